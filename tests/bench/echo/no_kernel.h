/* What OSLEC's kernel source, as Debian's dahdi-source ships it, wants of a kernel: enough to run it in user space. */
#ifndef OFFHOOK_BENCH_NO_KERNEL_H
#define OFFHOOK_BENCH_NO_KERNEL_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef int16_t s16;
typedef int32_t s32;
typedef uint16_t u16;
typedef uint32_t u32;

#define GFP_KERNEL 0
#define kzalloc(SIZE, FLAGS) calloc(1, SIZE)
#define kcalloc(COUNT, SIZE, FLAGS) calloc(COUNT, SIZE)
#define kfree free
#define fls(X) ((X) ? 32 - __builtin_clz((unsigned)(X)) : 0)
#define EXPORT_SYMBOL_GPL(NAME)
#define MODULE_LICENSE(TEXT)
#define MODULE_AUTHOR(TEXT)
#define MODULE_DESCRIPTION(TEXT)
#define MODULE_VERSION(TEXT)

#endif
