/* States of codecs whose libraries allocate them: made ahead by the control thread, lent to the real-time thread, which
 * never allocates, and destroyed by the control thread when they come back. */
#ifndef OFFHOOK_CODEC_POOL_H
#define OFFHOOK_CODEC_POOL_H

#include "codec.h"

/* Control thread: a leg may need the codec soon. */
void codec_pool_expect(const struct codec *codec);

/* Control thread, now and then: destroy what came back, make up for what was taken. */
void codec_pool_tend(void);

/* Real-time thread. NULL when none is at hand: there will be one in a moment. */
void *codec_pool_take(const struct codec *codec, bool encoder);
void codec_pool_give(const struct codec *codec, bool encoder, void *state);

#endif
