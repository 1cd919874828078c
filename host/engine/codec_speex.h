/* Speex at 8, 16 and 32 kHz, where libspeex is installed. */
#ifndef OFFHOOK_CODEC_SPEEX_H
#define OFFHOOK_CODEC_SPEEX_H

#include "codec.h"

extern const struct codec codec_speex, codec_speex16, codec_speex32;

#endif
