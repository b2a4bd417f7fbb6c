/* Runs a target on the files that it is given, once each: for inputs that are kept, without a fuzzer. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int count, char **paths)
{
	static uint8_t data[1 << 20];

	for (int i = 1; i < count; i++) {
		FILE *file = fopen(paths[i], "rb");

		if (!file) {
			perror(paths[i]);
			return 1;
		}
		LLVMFuzzerTestOneInput(data, fread(data, 1, sizeof(data), file));
		fclose(file);
	}
	return 0;
}
