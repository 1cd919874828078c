#ifndef OFFHOOK_CODEC_G722_H
#define OFFHOOK_CODEC_G722_H

#include "codec.h"

extern const struct codec codec_g722;

#endif
