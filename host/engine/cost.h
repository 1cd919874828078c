/* What conversions cost on this machine: measured, for core show translation. Control thread. */
#ifndef OFFHOOK_COST_H
#define OFFHOOK_COST_H

#include "codec.h"

/* ns of this thread's processor time for a second of sound; 0 when it cannot be done. */
int64_t codec_cost(const struct codec *codec, bool encode);
int64_t resample_cost(int rate_in, int rate_out);

#endif
