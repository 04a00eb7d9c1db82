#include "services/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "gtest/gtest.h"
#include "tests/testing/temp_folder.h"

namespace nightlog {
namespace {

TEST(ServiceManagerTest, TellsTheSocketOfItsEnvironment) {
  const TempFolder folder;
  const std::string path = folder.path() + "/notify";
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, path.c_str());
  const int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  ASSERT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  const auto told = [fd] {
    char bytes[100];
    const ssize_t size = recv(fd, bytes, sizeof(bytes), 0);
    return std::string(bytes, static_cast<size_t>(size));
  };
  const ServiceManager manager(path);
  manager.Ready();
  manager.Alive();
  manager.Stopping();
  EXPECT_EQ(told(), "READY=1");
  EXPECT_EQ(told(), "WATCHDOG=1");
  EXPECT_EQ(told(), "STOPPING=1");
  close(fd);
}

TEST(ServiceManagerTest, WithoutAnybodyToTellNothingHappens) {
  ServiceManager("").Ready();
  ServiceManager("/nowhere/notify").Ready();
  ServiceManager(std::string(1000, 'x')).Ready();
}

}  // namespace
}  // namespace nightlog
