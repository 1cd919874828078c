/* Opus by libopus, which is opened when first needed (RFC 6716, RFC 7587). */
#ifndef OFFHOOK_CODEC_OPUS_H
#define OFFHOOK_CODEC_OPUS_H

#include "codec.h"

extern const struct codec codec_opus;

/* Open the library; false when it is not installed. */
bool codec_opus_load(void);

size_t codec_opus_decoder_bytes(void);
size_t codec_opus_encoder_bytes(void);

/* Samples at 48 kHz in a packet, from its table-of-contents byte (RFC 6716 3.1). */
int codec_opus_samples(const uint8_t *packet, int bytes);

#endif
