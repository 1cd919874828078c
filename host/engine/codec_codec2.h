/* Codec 2 at 2400 bit/s, where libcodec2 is installed. */
#ifndef OFFHOOK_CODEC_CODEC2_H
#define OFFHOOK_CODEC_CODEC2_H

#include "codec.h"

extern const struct codec codec_codec2;

#endif
