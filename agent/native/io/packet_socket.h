/* What the back ends over AF_PACKET share: sockets inside a link's namespace, what they see, and how they send. */
#ifndef PLCTL_PACKET_SOCKET_H
#define PLCTL_PACKET_SOCKET_H

#include <stdint.h>
#include <sys/socket.h>

/* Two sockets in the namespace at `netns` that receive nothing yet. Returns 0 or an errno, and then there are none. */
int packet_sockets_open(const char *netns, int sockets[2]);

int packet_socket_set(int socket, int option, int value); /* of SOL_PACKET; 0 or an errno */

/* The interface's index in the socket's own namespace, whatever namespace the thread is in. 0 or an errno. */
int packet_socket_find(int socket, const char *interface, int *index);

/* Receives from now on what arrives at the interface, to any address. On failure an errno, and in *attempt what it was. */
int packet_socket_bind(int socket, int index, const char **attempt);

/* What the socket lost for want of room since the last call. */
uint64_t packet_socket_new_drops(int socket);

/* Sends what it can, in order; bit i % 64 of word i / 64 is set if the kernel took messages[i]. */
void packet_socket_send(int socket, struct mmsghdr *messages, unsigned count, uint64_t *words);

#endif
