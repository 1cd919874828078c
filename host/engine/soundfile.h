/* Sound files: read to and written from 16 bit linear. Blocking; for the disk thread only. */
#ifndef OFFHOOK_SOUNDFILE_H
#define OFFHOOK_SOUNDFILE_H

#include <stdbool.h>
#include <stdint.h>

enum { SOUNDFILE_ERROR = 160, SOUNDFILE_FRAME = 256 };

struct soundfile;

/* Open for reading; the extension tells the format (a WAVE header what is in it). NULL with a sentence in error. */
struct soundfile *soundfile_read_open(const char *path, char error[SOUNDFILE_ERROR]);

/* Open for writing a format given by its extension ("wav", "gsm", "ulaw" ...); append goes on at a file's end. */
struct soundfile *soundfile_write_open(const char *path, const char *extension, bool append,
                                       char error[SOUNDFILE_ERROR]);

int soundfile_rate(const struct soundfile *file);

/* The codec's number when the file's sound is passed on as it is, frame by frame, because it is not decoded here; else
 * 0. */
int soundfile_coded(const struct soundfile *file);

/* The next frame of such a file: its bytes (of at most SOUNDFILE_FRAME), 0 at the end, -1 on an error of the disk. */
int soundfile_read_frame(struct soundfile *file, uint8_t *frame);

/* Samples in the whole file; -1 when that cannot be told. */
int64_t soundfile_length(const struct soundfile *file);

/* Up to `samples` samples; 0 at the end, -1 on an error of the disk. */
int soundfile_read(struct soundfile *file, int16_t *out, int samples);

/* Go to that sample (to whole coding frames), or to the file's end when it lies beyond. False when impossible. */
bool soundfile_seek(struct soundfile *file, int64_t sample);

/* False on an error of the disk (full, gone); errno tells. */
bool soundfile_write(struct soundfile *file, const int16_t *in, int samples);

/* Take samples off the end of what was written, then close; false when the end could not be written. */
bool soundfile_finish(struct soundfile *file, int64_t truncate_samples);

/* Close a file that was read. */
void soundfile_close(struct soundfile *file);

/* Whether an extension is one we can read and write. */
bool soundfile_known(const char *extension);

/* Whether it is one that can be played, if only as it is to those who take its codec. */
bool soundfile_readable(const char *extension);

#endif
