/* See mailbox.h. */
#include "worker/mailbox.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int mailbox_init(struct mailbox *mailbox)
{
	mailbox->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (mailbox->eventfd < 0)
		return errno;
	pthread_mutex_init(&mailbox->mutex, NULL);
	pthread_cond_init(&mailbox->carried_out, NULL);
	mailbox->orders = NULL;
	return 0;
}

void mailbox_end(struct mailbox *mailbox)
{
	close(mailbox->eventfd);
	pthread_mutex_destroy(&mailbox->mutex);
	pthread_cond_destroy(&mailbox->carried_out);
}

int mailbox_post(struct mailbox *mailbox, int (*carry_out)(void *, void *), void *argument)
{
	struct order order = {.carry_out = carry_out, .argument = argument};
	struct order **end = &mailbox->orders;

	pthread_mutex_lock(&mailbox->mutex);
	while (*end)
		end = &(*end)->next;
	*end = &order;
	eventfd_write(mailbox->eventfd, 1);
	while (!order.done)
		pthread_cond_wait(&mailbox->carried_out, &mailbox->mutex);
	pthread_mutex_unlock(&mailbox->mutex);
	return order.result;
}

void mailbox_serve(struct mailbox *mailbox, void *receiver)
{
	eventfd_t count;

	eventfd_read(mailbox->eventfd, &count);
	pthread_mutex_lock(&mailbox->mutex);
	while (mailbox->orders) {
		struct order *order = mailbox->orders;

		mailbox->orders = order->next;
		order->result = order->carry_out(receiver, order->argument);
		order->done = true;
	}
	pthread_cond_broadcast(&mailbox->carried_out);
	pthread_mutex_unlock(&mailbox->mutex);
}
