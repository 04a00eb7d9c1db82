// Preloaded into a program, makes its disk hang while the file $NIGHTLOG_TEST_HANG exists.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

int fdatasync(int fd) {
  int (*const real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  const char* const hang = getenv("NIGHTLOG_TEST_HANG");
  while (hang != NULL && access(hang, F_OK) == 0) usleep(10000);
  return real(fd);
}
