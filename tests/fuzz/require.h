/* What must hold whatever the input is: where it does not, the run ends with the place. Targets are built with checks. */
#ifndef PLCTL_REQUIRE_H
#define PLCTL_REQUIRE_H

#ifndef PLCTL_CHECKED
#error "a target of the fuzzer is built with -DPLCTL_CHECKED=1 (tests/fuzz/build)"
#endif
#include "model/invariant.h"

#define REQUIRE INVARIANT

#endif
