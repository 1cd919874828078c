/* Sound files as they are written. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec_spandsp.h"
#include "soundfile_format.h"
#include "wavefile.h"

static bool write_all(struct soundfile *file, const uint8_t *bytes, int count)
{
    while (count > 0) {
        ssize_t done = file->pipe ? write(file->descriptor, bytes, (size_t)count)
                                  : pwrite(file->descriptor, bytes, (size_t)count, file->start + file->size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0 && errno == EAGAIN && file->pipe)
            return true;
        if (done <= 0)
            return false;
        bytes += done;
        count -= (int)done;
        file->size += done;
    }
    return true;
}

static bool flush(struct soundfile *file)
{
    bool written = write_all(file, file->buffer, file->filled);
    file->filled = 0;
    return written;
}

static bool write_frame(struct soundfile *file, const int16_t *in, int samples)
{
    if (file->container == SOUND_OGG) {
        int bytes = file->codec->encode(file->codec, file->state, in, samples, file->buffer);
        return ogg_write(file->writer, file->buffer, bytes, samples);
    }
    if (file->filled + 512 > SOUNDFILE_BUFFER && !flush(file))
        return false;
    file->filled += file->codec->encode(file->codec, file->state, in, samples, file->buffer + file->filled);
    return file->pipe ? flush(file) : true;
}

bool soundfile_write(struct soundfile *file, const int16_t *in, int samples)
{
    int frame = file->codec->frame_samples;
    while (samples > 0) {
        int some = frame - file->pending_to < samples ? frame - file->pending_to : samples;
        memcpy(file->pending + file->pending_to, in, (size_t)some * sizeof(*in));
        file->pending_to += some;
        in += some;
        samples -= some;
        if (file->pending_to == frame) {
            if (!write_frame(file, file->pending, frame))
                return false;
            file->pending_to = 0;
        }
    }
    return true;
}

static bool begin_wave(struct soundfile *file, bool old)
{
    struct wavefile wave;
    int tag = file->codec == &codec_gsm_wav49 ? WAVEFILE_GSM : WAVEFILE_PCM;
    file->start = tag == WAVEFILE_GSM ? WAVEFILE_GSM_HEADER : WAVEFILE_PCM_HEADER;
    if (old && wavefile_read(file->descriptor, &wave) && wave.rate == file->rate) {
        file->start = wave.start;
        file->size = wave.size;
    }
    return old || wavefile_write(file->descriptor, tag, file->rate, 0); /* readable even if the power fails */
}

/* Ogg streams are not added to: what was there is gone. */
static bool begin_ogg(struct soundfile *file, bool old)
{
    enum ogg_kind kind = !strcmp(file->codec->name, "opus") ? OGG_OPUS : OGG_SPEEX;
    file->writer = calloc(1, sizeof(*file->writer));
    return file->writer && (!old || !ftruncate(file->descriptor, 0)) &&
           ogg_create(file->writer, file->descriptor, kind, file->rate);
}

static bool begin(struct soundfile *file, bool append)
{
    struct stat status;
    if (fstat(file->descriptor, &status))
        return false;
    bool old = append && status.st_size > 0;
    file->pipe = S_ISFIFO(status.st_mode);
    switch (file->container) {
    case SOUND_WAVE:
        return begin_wave(file, old) || file->pipe;
    case SOUND_OGG:
        return begin_ogg(file, old);
    case SOUND_AU:
        file->start = AU_HEADER;
        file->size = old && status.st_size > AU_HEADER ? status.st_size - AU_HEADER : 0;
        return true;
    default:
        file->size = old ? status.st_size : 0;
        return true;
    }
}

struct soundfile *soundfile_write_open(const char *path, const char *extension, bool append,
                                       char error[SOUNDFILE_ERROR])
{
    const struct sound_kind *kind = sound_kind_of(extension);
    const struct codec *codec = kind ? sound_kind_codec(kind) : NULL;
    if (!codec || !codec->encode) {
        soundfile_say(error, "%s: no such recording format", path);
        return NULL;
    }
    if (!sound_codec_ready(codec)) {
        soundfile_say(error, "%s: its codec needs %s, which is not installed", path, codec->library);
        return NULL;
    }
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | (append ? 0 : O_TRUNC), 0666);
    if (descriptor < 0) {
        soundfile_say(error, "%s: %s", path, strerror(errno));
        return NULL;
    }
    struct soundfile *file = soundfile_make(codec, descriptor, false, false);
    if (file)
        file->container = kind->container;
    if (file && begin(file, append))
        return file;
    soundfile_say(error, "%s: %s", path, file ? strerror(errno) : "out of memory");
    if (file)
        soundfile_unmake(file, false);
    close(descriptor);
    return NULL;
}

static bool write_au_header(struct soundfile *file)
{
    uint8_t header[AU_HEADER] = ".snd\0\0\0\030\0\0\0\0\0\0\0\001\0\0\037\100\0\0\0";
    header[23] = 1;
    for (int i = 0; i < 4; i++)
        header[8 + i] = (uint8_t)(file->size >> (24 - 8 * i));
    return pwrite(file->descriptor, header, sizeof(header), 0) == (ssize_t)sizeof(header);
}

bool soundfile_finish(struct soundfile *file, int64_t truncate_samples)
{
    const struct codec *codec = file->codec;
    int frame = codec->frame_samples;
    bool good = true;
    if (file->pending_to) { /* a started frame is filled with silence, where the codec needs whole ones */
        int samples = codec->partial && frame <= 80 ? file->pending_to : frame;
        memset(file->pending + file->pending_to, 0, (size_t)(frame - file->pending_to) * sizeof(int16_t));
        good = write_frame(file, file->pending, samples);
    }
    if (file->container == SOUND_OGG) {
        good = ogg_finish(file->writer) && good;
        good = !close(file->descriptor) && good;
        soundfile_unmake(file, false);
        return good;
    }
    good = flush(file) && good;
    if (file->pipe) {
        close(file->descriptor);
        soundfile_unmake(file, false);
        return good;
    }
    if (truncate_samples > 0) {
        int64_t cut = truncate_samples / frame * codec->frame_bytes;
        file->size = file->size > cut ? file->size - cut : 0;
        good = !ftruncate(file->descriptor, file->start + file->size) && good;
    }
    if (file->container == SOUND_WAVE)
        good = wavefile_write(file->descriptor, codec == &codec_gsm_wav49 ? WAVEFILE_GSM : WAVEFILE_PCM, file->rate,
                              file->size) &&
               good;
    else if (file->container == SOUND_AU)
        good = write_au_header(file) && good;
    good = !close(file->descriptor) && good;
    soundfile_unmake(file, false);
    return good;
}
