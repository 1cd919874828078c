/* G.729 Annexes A and B, where libbcg729 is installed (its licence is GPL 3: it is opened at run time, never needed).
 */
#ifndef OFFHOOK_CODEC_G729_H
#define OFFHOOK_CODEC_G729_H

#include "codec.h"

extern const struct codec codec_g729;

#endif
