/* What reading and writing of sound files share: the kinds of files, and an open one. */
#ifndef OFFHOOK_SOUNDFILE_FORMAT_H
#define OFFHOOK_SOUNDFILE_FORMAT_H

#include "codec.h"
#include "oggfile.h"
#include "soundfile.h"

enum sound_container { SOUND_RAW, SOUND_WAVE, SOUND_AU, SOUND_OGG };
enum { SOUNDFILE_BUFFER = 4096, G723_FRAME = 24 /* of the higher rate */, AU_HEADER = 24 };

struct sound_kind {
    const char *extension;
    enum sound_container container;
    const char *codec;          /* by name, or */
    const struct codec *direct; /* by address */
};

struct soundfile {
    const struct codec *codec;
    void *state; /* of the codec */
    int descriptor;
    enum sound_container container;
    bool coded; /* reading: frames are passed on as they are */
    bool pipe;  /* writing: what its reader has no room for is dropped, nothing is kept back */
    int rate, channels;
    int64_t start, size;  /* bytes: where the sound begins, how long it is */
    int64_t at;           /* reading: bytes of sound consumed */
    int filled, consumed; /* buffer */
    int16_t *pending;     /* reading: decoded samples beyond what was asked; writing: samples short of a frame */
    int pending_from, pending_to;
    int64_t skip; /* reading: samples not to be heard */
    struct ogg_stream stream;
    struct ogg_reader *reader;
    struct ogg_writer *writer;
    uint8_t buffer[SOUNDFILE_BUFFER];
};

/* The kind of an extension, or NULL. */
const struct sound_kind *sound_kind_of(const char *extension);
const struct codec *sound_kind_codec(const struct sound_kind *kind);

/* Linear samples of that rate, low byte first; NULL for a rate that files do not have. */
const struct codec *sound_linear(int rate);
bool sound_is_linear(const struct codec *codec);

/* Whether the codec's library is there. */
bool sound_codec_ready(const struct codec *codec);

struct soundfile *soundfile_make(const struct codec *codec, int descriptor, bool reading, bool coded);
void soundfile_unmake(struct soundfile *file, bool reading);

void soundfile_say(char *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
