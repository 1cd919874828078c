/* Codecs of libspandsp, which is opened when the first of them is needed. */
#ifndef OFFHOOK_CODEC_SPANDSP_H
#define OFFHOOK_CODEC_SPANDSP_H

#include "codec.h"

extern const struct codec codec_gsm, codec_lpc10;

/* GSM 06.10 with two frames packed in 65 bytes (Microsoft's WAVE format 49). */
extern const struct codec codec_gsm_wav49;

/* Open the library; false when it is not installed. */
bool codec_spandsp_load(void);

#endif
