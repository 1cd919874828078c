/* What conversions cost on this machine: measured, for core show translation. Control thread. */
#ifndef OFFHOOK_COST_H
#define OFFHOOK_COST_H

#include "codec.h"

/* ns of this thread's processor time for a second of sound; 0 when it cannot be done. rate: of the sound, either the
 * codec's or one that it does without resampling. */
int64_t codec_cost(const struct codec *codec, int rate, bool encode);
int64_t exchange_cost(int from, int to); /* of octets for others (codec_exchange) */
int64_t resample_cost(int rate_in, int rate_out);

#endif
