// Files of wasi-libc on WASI 0.2, as C programs use them: stdio, dirent, stat, links. Prints `ok NAME` for each case; a failed
// check ends the program with its line. CASE is one of the names below, or all (default). Each case works in a directory of
// its own below /data, which it makes. Not in all: `no-mounts`, `read-only` (/data is read-only and has x.txt).
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECK(claim)                                                                        \
  do {                                                                                      \
    if (!(claim)) {                                                                         \
      fprintf(stderr, "%s:%d: not so: %s (errno %d)\n", __FILE__, __LINE__, #claim, errno); \
      exit(1);                                                                              \
    }                                                                                       \
  } while (0)
#define FAILS(call, code) CHECK((call) == -1 && errno == (code))

static const char *directory;  // of the case that runs

// A path in the directory of the case; there is room for four at a time.
static const char *in(const char *name) {
  static char paths[4][200];
  static unsigned next;
  char *path = paths[next++ % 4];
  snprintf(path, sizeof paths[0], "/data/%s/%s", directory, name);
  return path;
}

static void put(const char *name, const char *text) {
  FILE *file = fopen(in(name), "w");
  CHECK(file);
  CHECK(fputs(text, file) >= 0);
  CHECK(fclose(file) == 0);
}

static bool has(const char *name, const char *text) {
  char got[256];
  FILE *file = fopen(in(name), "r");
  CHECK(file);
  size_t size = fread(got, 1, sizeof got, file);
  CHECK(feof(file) && !ferror(file));
  fclose(file);
  return size == strlen(text) && !memcmp(got, text, size);
}

static void read_and_write(void) {
  FILE *file = fopen(in("file"), "w+");
  CHECK(file);
  CHECK(fprintf(file, "%d lines\nof %s\n", 2, "text") == 16);
  CHECK(ftell(file) == 16);
  rewind(file);
  char line[32];
  CHECK(fgets(line, sizeof line, file) && !strcmp(line, "2 lines\n"));
  CHECK(fgets(line, sizeof line, file) && !strcmp(line, "of text\n"));
  CHECK(!fgets(line, sizeof line, file) && feof(file));
  CHECK(fclose(file) == 0);
  CHECK(!fopen(in("nothing"), "r") && errno == ENOENT);
  CHECK(!fopen(in("file"), "wx") && errno == EEXIST);
  CHECK(!fopen(in("file/x"), "r") && errno == ENOTDIR);
  CHECK(!fopen(in("."), "w") && errno == EISDIR);
}

static void append(void) {
  put("file", "one\n");
  FILE *file = fopen(in("file"), "a");
  CHECK(file && fputs("two\n", file) >= 0);
  rewind(file);
  CHECK(fputs("three\n", file) >= 0 && fclose(file) == 0);
  CHECK(has("file", "one\ntwo\nthree\n"));
}

static void seek(void) {
  put("file", "0123456789");
  FILE *file = fopen(in("file"), "r+");
  CHECK(file && fseek(file, -3, SEEK_END) == 0 && fgetc(file) == '7');
  CHECK(fseek(file, 2, SEEK_SET) == 0 && fputs("ab", file) >= 0);
  CHECK(fseek(file, 1, SEEK_CUR) == 0 && fgetc(file) == '5');
  CHECK(fseek(file, -1, SEEK_SET) == -1 && errno == EINVAL);
  CHECK(fclose(file) == 0 && has("file", "01ab456789"));
}

static void descriptors(void) {
  char got[16];
  int fd = open(in("file"), O_RDWR | O_CREAT | O_EXCL, 0666);
  CHECK(fd >= 0 && write(fd, "0123456789", 10) == 10);
  CHECK(pwrite(fd, "ab", 2, 4) == 2 && pread(fd, got, 6, 2) == 6 && !memcmp(got, "23ab67", 6));
  CHECK(lseek(fd, 0, SEEK_CUR) == 10 && read(fd, got, 1) == 0);
  CHECK(ftruncate(fd, 3) == 0 && lseek(fd, 0, SEEK_END) == 3);
  CHECK(fsync(fd) == 0 && fdatasync(fd) == 0);
  CHECK(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL) == 0);
  CHECK(fcntl(fd, F_GETFL) >= 0 && close(fd) == 0);
  fd = open(in("file"), O_RDONLY);
  CHECK(write(fd, "x", 1) == -1);  // EIO or EBADF: a stream does not say more
  FAILS(ftruncate(fd, 0), EINVAL);
  close(fd);
  fd = open(in("file"), O_WRONLY);
  CHECK(read(fd, got, 1) == -1);
  close(fd);
  fd = open(in("file"), O_WRONLY | O_APPEND | O_TRUNC);
  CHECK(write(fd, "x", 1) == 1 && write(fd, "y", 1) == 1 && close(fd) == 0 && has("file", "xy"));
  FAILS(open(in("file"), O_RDONLY | O_DIRECTORY), ENOTDIR);
  FAILS(open(in("file"), O_RDWR | O_CREAT | O_EXCL, 0666), EEXIST);
}

static void metadata(void) {
  struct stat found, other;
  put("file", "12345");
  CHECK(stat(in("file"), &found) == 0 && S_ISREG(found.st_mode) && found.st_size == 5 && found.st_nlink == 1);
  CHECK(stat(in("."), &other) == 0 && S_ISDIR(other.st_mode) && other.st_ino != found.st_ino);
  struct timespec times[2] = {{.tv_sec = 1000000000, .tv_nsec = 1000}, {.tv_nsec = UTIME_OMIT}};
  CHECK(utimensat(AT_FDCWD, in("file"), times, 0) == 0 && stat(in("file"), &other) == 0);
  CHECK(other.st_atim.tv_sec == 1000000000 && other.st_atim.tv_nsec == 1000 && other.st_mtim.tv_sec == found.st_mtim.tv_sec);
  CHECK(link(in("file"), in("hard")) == 0 && stat(in("hard"), &other) == 0);
  CHECK(other.st_ino == found.st_ino && other.st_nlink == 2);
  CHECK(access(in("file"), R_OK | W_OK) == 0);
  FAILS(access(in("nothing"), F_OK), ENOENT);
  FAILS(stat(in("file/"), &found), ENOTDIR);
  char name[300];
  snprintf(name, sizeof name, "/data/%0260d", 0);
  FAILS(stat(name, &found), ENAMETOOLONG);
}

static int count(const char *path) {
  int found = 0;
  DIR *stream = opendir(path);
  CHECK(stream);
  for (struct dirent *entry; (entry = readdir(stream));) found += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
  rewinddir(stream);
  CHECK(readdir(stream));
  CHECK(closedir(stream) == 0);
  return found;
}

static void directories(void) {
  CHECK(mkdir(in("dir"), 0777) == 0);
  FAILS(mkdir(in("dir"), 0777), EEXIST);
  FAILS(mkdir(in("no/dir"), 0777), ENOENT);
  for (int i = 0; i < 300; i++) {
    char name[32];
    snprintf(name, sizeof name, "dir/file-%d", i);
    put(name, "");
  }
  CHECK(count(in("dir")) == 300);
  FAILS(rmdir(in("dir")), ENOTEMPTY);
  for (int i = 0; i < 300; i++) {
    char name[32];
    snprintf(name, sizeof name, "dir/file-%d", i);
    CHECK(unlink(in(name)) == 0);
  }
  FAILS(unlink(in("dir")), EISDIR);
  CHECK(rmdir(in("dir")) == 0);
  FAILS(rmdir(in("dir")), ENOENT);
  CHECK(!opendir(in("dir")) && errno == ENOENT);
  put("file", "");
  FAILS(rmdir(in("file")), ENOTDIR);
  CHECK(!opendir(in("file")) && errno == ENOTDIR);
}

static void at(void) {
  struct stat found;
  int base = open(in("."), O_RDONLY | O_DIRECTORY);
  CHECK(base >= 0 && mkdirat(base, "dir", 0777) == 0);
  int fd = openat(base, "dir/file", O_WRONLY | O_CREAT, 0666);
  CHECK(fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0);
  CHECK(fstatat(base, "dir/file", &found, 0) == 0 && found.st_size == 1);
  CHECK(renameat(base, "dir/file", base, "file") == 0 && unlinkat(base, "dir", AT_REMOVEDIR) == 0);
  FAILS(openat(base, "../at/file", O_RDONLY), EPERM);
  CHECK(close(base) == 0 && has("file", "x"));
}

static void rename_and_remove(void) {
  put("one", "1");
  put("two", "2");
  CHECK(rename(in("one"), in("two")) == 0 && has("two", "1"));
  FAILS(rename(in("one"), in("two")), ENOENT);
  CHECK(mkdir(in("dir"), 0777) == 0 && rename(in("two"), in("dir/two")) == 0);
  FAILS(rename(in("dir"), in("dir/below")), EINVAL);
  put("one", "1");
  FAILS(rename(in("one"), in("dir")), EISDIR);
  FAILS(rename(in("dir"), in("one")), ENOTDIR);
  CHECK(remove(in("dir/two")) == 0 && remove(in("dir")) == 0);
  FAILS(remove(in("dir")), ENOENT);
}

static void links(void) {
  char target[32];
  struct stat found;
  put("file", "text");
  CHECK(symlink("file", in("link")) == 0 && has("link", "text"));
  CHECK(readlink(in("link"), target, sizeof target) == 4 && !memcmp(target, "file", 4));
  CHECK(readlink(in("link"), target, 2) == 2);
  CHECK(lstat(in("link"), &found) == 0 && S_ISLNK(found.st_mode));
  FAILS(readlink(in("file"), target, sizeof target), EINVAL);
  FAILS(symlink("file", in("link")), EEXIST);
  FAILS(symlink("/etc/passwd", in("absolute")), EPERM);
  CHECK(symlink("loop", in("loop")) == 0);
  FAILS(open(in("loop"), O_RDONLY), ELOOP);
  FAILS(open(in("link"), O_RDONLY | O_NOFOLLOW), ELOOP);
  CHECK(symlink("../../outside", in("escape")) == 0);
  FAILS(open(in("escape"), O_RDONLY), EPERM);
  FAILS(open(in("escape/secret"), O_RDONLY), EPERM);
  CHECK(unlink(in("link")) == 0 && has("file", "text"));
}

// A file that is written while it is not there any more.
static void unlinked(void) {
  char got[4];
  int fd = open(in("file"), O_RDWR | O_CREAT, 0666);
  CHECK(fd >= 0 && unlink(in("file")) == 0 && write(fd, "text", 4) == 4);
  CHECK(pread(fd, got, 4, 0) == 4 && !memcmp(got, "text", 4) && close(fd) == 0);
  FAILS(open(in("file"), O_RDONLY), ENOENT);
}

static void bulk(void) {
  enum { SIZE = 1000000 };
  static unsigned char block[65521];
  FILE *file = fopen(in("big"), "w+");
  CHECK(file);
  for (size_t done = 0; done < SIZE; done += sizeof block) {
    for (size_t i = 0; i < sizeof block; i++) block[i] = (unsigned char)((done + i) % 251);
    CHECK(fwrite(block, 1, sizeof block, file) == sizeof block);
  }
  rewind(file);
  size_t total = 0;
  for (size_t size; (size = fread(block, 1, sizeof block, file)); total += size)
    for (size_t i = 0; i < size; i++) CHECK(block[i] == (total + i) % 251);
  CHECK(total >= SIZE && feof(file) && fclose(file) == 0);
}

// Only by its name: the host gives no directory.
static void no_mounts(void) {
  CHECK(open("/data/x.txt", O_RDONLY) == -1 && open("x.txt", O_RDONLY) == -1 && !opendir("/"));
  CHECK(mkdir("/data", 0777) == -1);
}

// Only by its name: /data may only be read.
static void read_only(void) {
  CHECK(!fopen("/data/x.txt", "w") && errno == EPERM);
  CHECK(!fopen("/data/new", "w") && errno == EPERM);
  FAILS(mkdir("/data/new", 0777), EPERM);
  FAILS(unlink("/data/x.txt"), EPERM);
  FAILS(rename("/data/x.txt", "/data/new"), EPERM);
  FAILS(symlink("x.txt", "/data/new"), EPERM);
  char text[8];
  FILE *file = fopen("/data/x.txt", "r");
  CHECK(file && fgets(text, sizeof text, file) && !strcmp(text, "hello") && fclose(file) == 0);
}

static const struct {
  const char *name;
  void (*run)(void);
  bool is_in_all;
} CASES[] = {
    {"read-and-write", read_and_write, true},
    {"append", append, true},
    {"seek", seek, true},
    {"descriptors", descriptors, true},
    {"metadata", metadata, true},
    {"directories", directories, true},
    {"at", at, true},
    {"rename-and-remove", rename_and_remove, true},
    {"links", links, true},
    {"unlinked", unlinked, true},
    {"bulk", bulk, true},
    {"no-mounts", no_mounts, false},
    {"read-only", read_only, false},
};

int main(void) {
  const char *chosen = getenv("CASE");
  for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
    if (chosen && strcmp(chosen, "all") ? strcmp(chosen, CASES[i].name) : !CASES[i].is_in_all) continue;
    directory = CASES[i].name;
    if (CASES[i].is_in_all) CHECK(mkdir(in(""), 0777) == 0);
    CASES[i].run();
    printf("ok %s\n", CASES[i].name);
    fflush(stdout);
  }
  return 0;
}
