/* Any bytes as a frame that may start a scenario. The copy ends where the frame does, so that ASan sees a byte too far. */
#include <stdlib.h>
#include <string.h>

#include "path/trigger.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *frame = malloc(size ? size : 1);

	if (!frame)
		return 0;
	memcpy(frame, data, size);
	for (enum trigger trigger = TRIGGER_NONE; trigger <= TRIGGER_LARGE_TRANSPORT; trigger++)
		trigger_matches(trigger, frame, size, size / 2);
	free(frame);
	return 0;
}
