#ifndef OFFHOOK_CODEC_G726_H
#define OFFHOOK_CODEC_G726_H

#include "codec.h"

extern const struct codec codec_g726, codec_g726aal2;

/* The other rates, for files only. */
extern const struct codec codec_g726_16, codec_g726_24, codec_g726_40;

#endif
