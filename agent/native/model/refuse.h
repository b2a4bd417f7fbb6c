/* Says in a sentence which rule a configuration breaks. */
#ifndef PLCTL_REFUSE_H
#define PLCTL_REFUSE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* The sentence into why[0 ... size); false. */
__attribute__((format(printf, 3, 4))) static inline bool refuse(char *why, size_t size, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, size, format, arguments);
	va_end(arguments);
	return false;
}

#endif
