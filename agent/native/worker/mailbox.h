/*
 * Orders to a thread that mostly waits in epoll: posted by any thread, which then waits until they are carried out.
 * The eventfd tells the receiver's epoll that there are some.
 */
#ifndef PLCTL_MAILBOX_H
#define PLCTL_MAILBOX_H

#include <pthread.h>
#include <stdbool.h>

struct order {
	int (*carry_out)(void *receiver, void *argument); /* in the receiver's thread; its result is the sender's */
	void *argument;
	int result;
	bool done;
	struct order *next;
};

struct mailbox {
	int eventfd;
	pthread_mutex_t mutex;
	pthread_cond_t carried_out;
	struct order *orders; /* in order of posting */
};

int mailbox_init(struct mailbox *mailbox); /* 0 or an errno */
void mailbox_end(struct mailbox *mailbox);
int mailbox_post(struct mailbox *mailbox, int (*carry_out)(void *, void *), void *argument);
void mailbox_serve(struct mailbox *mailbox, void *receiver); /* carries out all that has been posted */

#endif
