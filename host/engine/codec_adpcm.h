/* Dialogic's ADPCM (OKI's, VOX files) at 32 kbit/s. */
#ifndef OFFHOOK_CODEC_ADPCM_H
#define OFFHOOK_CODEC_ADPCM_H

#include "codec.h"

extern const struct codec codec_adpcm;

#endif
