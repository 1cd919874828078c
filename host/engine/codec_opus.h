/* Opus by libopus, which is opened when first needed (RFC 6716, RFC 7587). */
#ifndef OFFHOOK_CODEC_OPUS_H
#define OFFHOOK_CODEC_OPUS_H

#include "codec.h"

extern const struct codec codec_opus;

/* Samples at 48 kHz in a packet, from its table-of-contents byte (RFC 6716 3.1). */
int codec_opus_samples(const uint8_t *packet, int bytes);

#endif
