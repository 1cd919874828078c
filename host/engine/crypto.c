#include "crypto.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

struct crypto crypto;

static bool opened;

bool crypto_find(void *library, const char *name, void *place)
{
    void *symbol = dlsym(library, name);
    memcpy(place, &symbol, sizeof(symbol));
    return symbol != NULL;
}

static void open_library(void)
{
    void *library = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return;
    bool whole = true;
#define CRYPTO_FIND(name) whole = whole && crypto_find(library, #name, &crypto.name);
    CRYPTO_FUNCTIONS(CRYPTO_FIND)
#undef CRYPTO_FIND
    opened = whole;
}

bool crypto_load(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, open_library);
    return opened;
}
