// load WHAT --server=nightlog|bare|etcd --address=HOST:PORT [FLAG..]: puts one kind of load on a
// server and prints what was measured as one line of JSON. Times are in microseconds.
//
//   push       unary calls: --in_flight at once, each on a connection of its own
//   relay      one push at a time, until all --followers have it; a consultant's follow --families;
//              others may push --beside times a second meanwhile
//   idle       memory of the server for --streams silent streams, and what it costs to wake one
//   catch_up   a family with --records records, read from the beginning
//   replicate  the same by the phone's own library, onto a disk, until all of it is durable there
//   disk       no server: small appends that survive, --pause_us apart
//
// Makes its own families. The bytes are the same for every server.

#include <fcntl.h>
#include <grpcpp/client_context.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "clients/cpp/device_clock.h"
#include "clients/cpp/grpc_connection.h"
#include "clients/cpp/pairing.h"
#include "clients/cpp/replica.h"
#include "clients/cpp/sync.h"
#include "nightlog/v1/family_service.grpc.pb.h"
#include "nightlog/v1/progress_service.pb.h"
#include "nightlog/v1/sync_service.pb.h"
#include "storage/core/check.h"
#include "storage/core/proto_time.h"
#include "storage/core/random.h"
#include "tests/bench/calls.h"
#include "tests/bench/taps.h"
#include "tests/bench/wire.h"

ABSL_FLAG(std::string, server, "nightlog", "nightlog, bare or etcd");
ABSL_FLAG(std::string, address, "", "HOST:PORT");
ABSL_FLAG(int, pid, 0, "process of the server, for its CPU time and memory");
ABSL_FLAG(int, in_flight, 64, "push: calls at once");
ABSL_FLAG(int, calls, 10000, "push: calls in all; relay: pushes");
ABSL_FLAG(int, families, 1,
          "push, idle: families; relay: of the consultant, each pushed to in its turn");
ABSL_FLAG(int, transactions, 1, "push: transactions in each call");
ABSL_FLAG(int, followers, 1, "relay: streams, each on a connection of its own");
ABSL_FLAG(bool, consultant, false, "relay: the followers watch as a consultant");
ABSL_FLAG(int, pause_us, 2000, "relay: between two pushes");
ABSL_FLAG(int, beside, 0, "relay: pushes a second of other families meanwhile");
ABSL_FLAG(int, streams, 100, "idle: streams, each on a connection of its own");
ABSL_FLAG(int, records, 10000, "catch_up: records of the family");
ABSL_FLAG(int, rounds, 5, "catch_up, replicate: how often");

namespace nightlog {
namespace {

constexpr char kPush[] = "/nightlog.v1.SyncService/Push";
constexpr char kFollow[] = "/nightlog.v1.SyncService/Follow";
constexpr char kAcknowledge[] = "/nightlog.v1.SyncService/Acknowledge";
constexpr char kWatch[] = "/nightlog.v1.ProgressService/Watch";
constexpr char kEtcdPut[] = "/etcdserverpb.KV/Put";
constexpr char kEtcdWatch[] = "/etcdserverpb.Watch/Watch";

// A follower of nightlog says what it has received after so many bytes, as the phone's library.
constexpr uint64_t kAcknowledgeBytes = 64 << 10;

// How long a stream may take: what takes longer does not come.
constexpr absl::Duration kPatience = absl::Seconds(60);

Server ServerFlag() {
  const std::string server = absl::GetFlag(FLAGS_server);
  CHECK(server == "nightlog" || server == "bare" || server == "etcd");
  return server == "nightlog" ? Server::kNightlog
         : server == "bare"   ? Server::kBare
                              : Server::kEtcd;
}

// --- What is printed ---

class Report {
 public:
  void Add(const std::string& name, double value) {
    figures_.push_back(absl::StrCat("\"", name, "\": ", value));
  }

  // p50, p99 and p999 of durations.
  void AddTimes(const std::string& name, std::vector<absl::Duration> times) {
    if (times.empty()) return;
    std::sort(times.begin(), times.end());
    const auto at = [&times](double share) {
      const auto index = static_cast<size_t>(share * static_cast<double>(times.size()));
      return absl::ToDoubleMicroseconds(times[std::min(index, times.size() - 1)]);
    };
    Add(name + "_p50", at(0.5));
    Add(name + "_p99", at(0.99));
    Add(name + "_p999", at(0.999));
  }

  void Print() const { std::printf("{%s}\n", absl::StrJoin(figures_, ", ").c_str()); }

 private:
  std::vector<std::string> figures_;
};

// CPU time of the server so far.
absl::Duration ServerCpu() {
  clockid_t clock = 0;
  timespec time = {};
  if (clock_getcpuclockid(absl::GetFlag(FLAGS_pid), &clock) != 0) return absl::ZeroDuration();
  clock_gettime(clock, &time);
  return absl::DurationFromTimespec(time);
}

// The number that follows `name` in a file that the system keeps of the server; 0: there is none.
double OfServer(const std::string& file, const std::string& name) {
  std::ifstream lines(absl::StrCat("/proc/", absl::GetFlag(FLAGS_pid), "/", file));
  double value = 0;
  for (std::string word; lines >> word;) {
    if (word == name && lines >> value) return value;
  }
  return 0;
}

// Resident memory of the server, and what it has sent to the disk; in bytes.
double ServerMemory() { return OfServer("status", "VmRSS:") * 1024; }
double ServerWritten() { return OfServer("io", "write_bytes:"); }

// --- Families and their phones ---

struct Phone {
  std::string token;
  v1::Pairing pairing;
  std::unique_ptr<Taps> taps;
};

// Calls of nightlog's FamilyService.
class Families {
 public:
  explicit Families(const std::string& address)
      : channel_(Connect(address)), stub_(v1::FamilyService::NewStub(channel_)) {}

  Phone Create() {
    v1::CreateFamilyRequest request;
    request.set_family_name("the owls");
    request.set_member_name("Alex");
    request.set_device_name("Alex's phone");
    v1::CreateFamilyResponse response;
    Call(&v1::FamilyService::Stub::CreateFamily, "", request, &response);
    return {response.pairing().device_token(), response.pairing(), nullptr};
  }

  // A further phone of the owner, or a consultant's; `token` is that of its device, if it is paired
  // with another family.
  Phone Join(const Phone& owner, bool consultant, const std::string& token = "") {
    v1::CreateInviteRequest invite;
    invite.set_family_id(owner.pairing.family_id());
    if (consultant) {
      invite.set_role(v1::ROLE_CONSULTANT);
    } else {
      invite.set_member_id(owner.pairing.member_id());
    }
    v1::CreateInviteResponse invited;
    Call(&v1::FamilyService::Stub::CreateInvite, owner.token, invite, &invited);
    v1::JoinRequest request;
    request.set_code(invited.code());
    if (consultant) request.set_member_name("Dana");
    request.set_device_name("phone");
    v1::JoinResponse response;
    Call(&v1::FamilyService::Stub::Join, token, request, &response);
    return {token.empty() ? response.pairing().device_token() : token, response.pairing(), nullptr};
  }

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  template <typename Request, typename Response>
  void Call(grpc::Status (v1::FamilyService::Stub::*method)(grpc::ClientContext*, const Request&,
                                                            Response*),
            const std::string& token, const Request& request, Response* response) {
    grpc::ClientContext context;
    if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
    const grpc::Status status = (stub_.get()->*method)(&context, request, response);
    if (!status.ok()) std::fprintf(stderr, "load: %s\n", status.error_message().c_str());
    CHECK(status.ok());
  }

  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::FamilyService::Stub> stub_;
};

// A phone as the server would issue it, for servers that issue none.
Phone UnpairedPhone(Random& random) {
  Phone phone;
  phone.token = std::string(43, 't');
  phone.pairing.set_family_id(random.Bytes(FamilyId::kSize));
  phone.pairing.set_replica_id(random.Bytes(ReplicaId::kSize));
  return phone;
}

PreparedCall PushOf(const Phone& phone, const std::vector<v1::Transaction>& transactions) {
  v1::PushRequest request;
  request.set_family_id(phone.pairing.family_id());
  request.set_replica_id(phone.pairing.replica_id());
  *request.mutable_sent_at()->mutable_wall() = ToProto(absl::Now());
  for (const v1::Transaction& transaction : transactions) {
    *request.add_transactions() = transaction;
  }
  return {ToByteBuffer(request.SerializeAsString()), phone.token};
}

PreparedCall NextPush(const Phone& phone, int transactions) {
  std::vector<v1::Transaction> taps;
  for (int i = 0; i < transactions; ++i) taps.push_back(phone.taps->Next());
  return PushOf(phone, taps);
}

// What etcd stores for it: the same bytes under a key of the phone.
PreparedCall EtcdPutOf(const PreparedCall& push, const Phone& phone) {
  const grpc::Slice bytes = ToSlice(push.request);
  return {ToByteBuffer(BytesField(1, phone.pairing.replica_id()) + BytesField(2, View(bytes))), ""};
}

void CheckCommitted(const grpc::ByteBuffer& answer) {
  v1::PushResponse response;
  const grpc::Slice bytes = ToSlice(answer);
  CHECK(response.ParseFromArray(bytes.begin(), static_cast<int>(bytes.size())));
  for (const v1::Verdict& verdict : response.verdicts()) CHECK(verdict.has_committed());
}

// `count` phones over `families` families; the phones of a family share its child's nights.
std::vector<Phone> MakePhones(Server server, int count, int families, Random& random) {
  std::vector<Phone> phones;
  std::unique_ptr<Families> service;
  if (server == Server::kNightlog) {
    service = std::make_unique<Families>(absl::GetFlag(FLAGS_address));
  }
  const auto of_family = static_cast<size_t>(families);
  for (int i = 0; i < count; ++i) {
    const bool is_first = i < families;
    const auto owner = static_cast<size_t>(i) % of_family;
    if (service == nullptr) {
      phones.push_back(UnpairedPhone(random));
    } else {
      phones.push_back(is_first ? service->Create() : service->Join(phones[owner], false));
    }
    Phone& phone = phones.back();
    // The child's id follows from the family's.
    const RecordId child = RecordIdOf("child", phones[owner].pairing.family_id());
    phone.taps = std::make_unique<Taps>(ReplicaId(phone.pairing.replica_id()), child, random,
                                        i / families, std::max(count / families, 1));
    if (service != nullptr && is_first) {
      CheckCommitted(CallOnce(service->channel(), kPush,
                              PushOf(phone, {phone.taps->MakeChild(), phone.taps->MakePlan()})));
    }
  }
  return phones;
}

// --- push ---

void Push(Report& report) {
  const Server server = ServerFlag();
  const auto in_flight = static_cast<size_t>(absl::GetFlag(FLAGS_in_flight));
  const int calls = absl::GetFlag(FLAGS_calls);
  const int families = absl::GetFlag(FLAGS_families);
  SystemRandom random;
  const std::vector<Phone> phones =
      MakePhones(server, std::max(static_cast<int>(in_flight), families), families, random);

  // A phone is always on the same connection, so its pushes are in order.
  std::vector<std::vector<PreparedCall>> lists(in_flight);
  size_t request_bytes = 0;
  for (int i = 0; i < calls; ++i) {
    const auto list = static_cast<size_t>(i) % in_flight;
    const size_t phones_of_list = (phones.size() - list + in_flight - 1) / in_flight;
    const size_t turn = static_cast<size_t>(i) / in_flight % phones_of_list;
    const Phone& phone = phones[list + turn * in_flight];
    PreparedCall call = NextPush(phone, absl::GetFlag(FLAGS_transactions));
    if (server == Server::kEtcd) call = EtcdPutOf(call, phone);
    request_bytes += call.request.Length();
    lists[list].push_back(std::move(call));
  }
  const double written_before = ServerWritten();
  const absl::Duration cpu_before = ServerCpu();
  const LoadResult result = RunCalls(absl::GetFlag(FLAGS_address),
                                     server == Server::kEtcd ? kEtcdPut : kPush, std::move(lists));
  const absl::Duration cpu = ServerCpu() - cpu_before;
  if (server == Server::kNightlog) {
    for (const grpc::ByteBuffer& response : result.responses) CheckCommitted(response);
  }
  // Neither the warming up counts nor the end, where lists run dry.
  const size_t first = result.times.size() / 10;
  const size_t last = result.times.size() * 19 / 20;
  std::vector<absl::Duration> times;
  for (size_t i = first; i < last; ++i) {
    times.push_back(result.times[i].ended - result.times[i].began);
  }
  const double seconds =
      absl::ToDoubleSeconds(result.times[last - 1].ended - result.times[first].ended);
  const double per_second = static_cast<double>(last - 1 - first) / seconds;
  report.Add("calls_per_second", per_second);
  report.Add("transactions_per_second", per_second * absl::GetFlag(FLAGS_transactions));
  report.AddTimes("call", std::move(times));
  report.Add("request_bytes", static_cast<double>(request_bytes) / calls);
  report.Add("server_cpu_us", absl::ToDoubleMicroseconds(cpu) / calls);
  report.Add("disk_bytes_per_request_byte",
             (ServerWritten() - written_before) / static_cast<double>(request_bytes));
}

// --- relay and idle ---

// The followers of one family, whichever server they follow, or consultants of some.
class Followers {
 public:
  Followers(Server server, bool consultant, int families = 1)
      : server_(server), consultant_(consultant), families_(static_cast<size_t>(families)) {}
  // All at once: each takes a while to end.
  ~Followers() {
    for (const auto& follower : followers_) follower->stream->Cancel();
  }

  // Opens a stream on a connection of its own and waits until the server has it.
  void Open(const Phone& phone, Random& random) {
    const std::string address = absl::GetFlag(FLAGS_address);
    const size_t index = followers_.size();
    followers_.push_back(std::make_unique<Follower>());
    Follower& follower = *followers_.back();
    follower.phone = &phone;
    follower.stream_id = random.Bytes(16);
    follower.channel = Connect(address);
    OpenStream::Callbacks callbacks;
    if (server_ == Server::kBare) callbacks.on_ready = [this, index] { Received(index, "", 0); };
    callbacks.on_message = [this, index](const grpc::ByteBuffer& message) {
      OnMessage(index, message);
    };
    follower.stream = std::make_unique<OpenStream>(follower.channel, Path(), RequestOf(follower),
                                                   std::move(callbacks));
    absl::MutexLock lock(&mu_);
    const auto is_ready = [&follower]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return follower.ready; };
    if (!mu_.AwaitWithTimeout(absl::Condition(&is_ready), kPatience)) {
      std::fprintf(stderr, "load: stream %zu does not open\n", index);
      std::_Exit(1);
    }
  }

  // The next revision, of this family, that all shall have.
  void ExpectNext(const Phone& writer) {
    absl::MutexLock lock(&mu_);
    expected_family_ = consultant_ ? writer.pairing.family_id() : "";
    uint64_t newest = 0;
    for (const auto& follower : followers_) {
      newest = std::max(newest, follower->revisions[expected_family_]);
    }
    expected_ = newest + 1;
    have_it_ = 0;
  }

  // When the last follower had it.
  absl::Time AwaitAll() {
    absl::MutexLock lock(&mu_);
    const auto all = [this]()
                         ABSL_NO_THREAD_SAFETY_ANALYSIS { return have_it_ == followers_.size(); };
    if (!mu_.AwaitWithTimeout(absl::Condition(&all), kPatience)) {
      std::fprintf(stderr, "load: %zu of %zu followers got it\n", have_it_, followers_.size());
      std::_Exit(1);
    }
    return last_arrival_;
  }

 private:
  struct Follower {
    const Phone* phone;
    std::string stream_id;
    std::shared_ptr<grpc::Channel> channel;
    bool ready = false;
    // By family, of a consultant; otherwise that of "".
    std::map<std::string, uint64_t> revisions;
    uint64_t received = 0;
    uint64_t acknowledged = 0;
    std::unique_ptr<OpenStream> stream;
  };

  const char* Path() const {
    return server_ == Server::kEtcd ? kEtcdWatch : consultant_ ? kWatch : kFollow;
  }

  PreparedCall RequestOf(const Follower& follower) const {
    if (server_ == Server::kEtcd) {
      return {ToByteBuffer(BytesField(1, BytesField(1, follower.phone->pairing.replica_id()))), ""};
    }
    if (consultant_) {
      return {ToByteBuffer(v1::WatchRequest().SerializeAsString()), follower.phone->token};
    }
    v1::FollowRequest request;
    request.set_family_id(follower.phone->pairing.family_id());
    request.set_stream_id(follower.stream_id);
    return {ToByteBuffer(request.SerializeAsString()), follower.phone->token};
  }

  void OnMessage(size_t index, const grpc::ByteBuffer& message) {
    const grpc::Slice slice = ToSlice(message);
    const absl::string_view bytes = View(slice);
    if (server_ == Server::kBare) {
      absl::MutexLock lock(&mu_);
      ReceivedLocked(index, "", followers_[index]->revisions[""] + 1);
    } else if (server_ == Server::kEtcd) {
      Received(index, "", FindField(FindField(bytes, 1).bytes, 3).varint);
    } else {
      const WireField bookmark = FindField(bytes, consultant_ ? 5 : 3);
      if (bookmark.found) {
        const absl::string_view cursor = FindField(bookmark.bytes, 1).bytes;
        Received(index, consultant_ ? std::string(FindField(bytes, 1).bytes) : "",
                 FindField(cursor, 2).varint);
        if (!consultant_) Acknowledge(*followers_[index], bytes.size(), cursor);
      }
    }
  }

  void Received(size_t index, const std::string& family, uint64_t revision) {
    absl::MutexLock lock(&mu_);
    ReceivedLocked(index, family, revision);
  }

  void ReceivedLocked(size_t index, const std::string& family, uint64_t revision)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    Follower& follower = *followers_[index];
    uint64_t& known = follower.revisions[family];
    if (family == expected_family_ && known < expected_ && revision >= expected_) {
      ++have_it_;
      last_arrival_ = absl::Now();
    }
    known = revision;
    follower.ready = follower.revisions.size() >= families_;
  }

  // In a thread of its own only now and then, so that it costs nothing that is measured.
  void Acknowledge(Follower& follower, size_t bytes, absl::string_view cursor) {
    follower.received += bytes;
    if (follower.received - follower.acknowledged < kAcknowledgeBytes) return;
    follower.acknowledged = follower.received;
    v1::AcknowledgeRequest request;
    request.set_family_id(follower.phone->pairing.family_id());
    CHECK(request.mutable_cursor()->ParseFromArray(cursor.data(), static_cast<int>(cursor.size())));
    request.set_stream_id(follower.stream_id);
    request.set_received_bytes(follower.received);
    StartCall(follower.channel, kAcknowledge,
              {ToByteBuffer(request.SerializeAsString()), follower.phone->token},
              [](const grpc::ByteBuffer&) {});
  }

  const Server server_;
  const bool consultant_;
  const size_t families_;
  absl::Mutex mu_;
  std::string expected_family_ ABSL_GUARDED_BY(mu_);
  uint64_t expected_ ABSL_GUARDED_BY(mu_) = std::numeric_limits<uint64_t>::max();
  size_t have_it_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Time last_arrival_ ABSL_GUARDED_BY(mu_);
  std::vector<std::unique_ptr<Follower>> followers_;
};

// Families that push at a steady rate while this lives, each on a connection of its own. None
// pushes again before it is answered.
class Others {
 public:
  Others(Server server, int per_second, Random& random)
      : server_(server), phones_(MakePhones(server, kCount, kCount, random)) {
    for (int i = 0; i < kCount; ++i) channels_.push_back(Connect(absl::GetFlag(FLAGS_address)));
    thread_ = std::thread([this, per_second] { Run(absl::Seconds(1) / per_second); });
  }
  ~Others() {
    stopping_ = true;
    thread_.join();
    while (std::any_of(pushing_.begin(), pushing_.end(), [](const auto& p) { return p.load(); })) {
      absl::SleepFor(absl::Milliseconds(1));
    }
  }

  int pushed() const { return pushed_; }

 private:
  static constexpr int kCount = 64;

  void Run(absl::Duration interval) {
    absl::Time next = absl::Now();
    for (size_t i = 0; !stopping_; i = (i + 1) % kCount) {
      absl::SleepFor(next - absl::Now());
      next += interval;
      if (pushing_[i].exchange(true)) continue;
      PreparedCall call = NextPush(phones_[i], 1);
      if (server_ == Server::kEtcd) call = EtcdPutOf(call, phones_[i]);
      StartCall(channels_[i], server_ == Server::kEtcd ? kEtcdPut : kPush, call,
                [this, i](const grpc::ByteBuffer& answer) {
                  if (server_ == Server::kNightlog) CheckCommitted(answer);
                  ++pushed_;
                  pushing_[i] = false;
                });
    }
  }

  const Server server_;
  const std::vector<Phone> phones_;
  std::vector<std::shared_ptr<grpc::Channel>> channels_;
  std::array<std::atomic<bool>, kCount> pushing_ = {};
  std::atomic<int> pushed_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

void Relay(Report& report) {
  const Server server = ServerFlag();
  const bool consultant = absl::GetFlag(FLAGS_consultant);
  const int count = absl::GetFlag(FLAGS_followers);
  const int family_count = absl::GetFlag(FLAGS_families);
  SystemRandom random;
  std::vector<Phone> writers = MakePhones(server, family_count, family_count, random);
  std::vector<Phone> readers;
  if (server == Server::kNightlog) {
    Families families(absl::GetFlag(FLAGS_address));
    for (int i = 0; i < count; ++i) {
      readers.push_back(families.Join(writers.front(), consultant));
      for (size_t other = 1; other < writers.size(); ++other) {
        families.Join(writers[other], consultant, readers.back().token);
      }
    }
  }
  Followers followers(server, consultant && server == Server::kNightlog, family_count);
  const absl::Time opening = absl::Now();
  const absl::Duration cpu_opening = ServerCpu();
  for (int i = 0; i < count; ++i) {
    followers.Open(readers.empty() ? writers.front() : readers[static_cast<size_t>(i)], random);
  }
  report.Add("open", absl::ToDoubleMicroseconds(absl::Now() - opening));
  report.Add("open_server_cpu_us", absl::ToDoubleMicroseconds(ServerCpu() - cpu_opening));
  const std::shared_ptr<grpc::Channel> channel = Connect(absl::GetFlag(FLAGS_address));
  std::vector<absl::Duration> answered;
  std::vector<absl::Duration> arrived;
  const int calls = absl::GetFlag(FLAGS_calls);
  const int warm_up = calls / 10;
  const int beside = absl::GetFlag(FLAGS_beside);
  std::unique_ptr<Others> others;
  if (beside > 0) others = std::make_unique<Others>(server, beside, random);
  const absl::Time others_began = absl::Now();
  absl::Duration cpu_before;
  for (int i = 0; i < warm_up + calls; ++i) {
    const Phone& writer = writers[static_cast<size_t>(i) % writers.size()];
    PreparedCall call = NextPush(writer, 1);
    if (server == Server::kEtcd) call = EtcdPutOf(call, writer);
    absl::SleepFor(absl::Microseconds(absl::GetFlag(FLAGS_pause_us)));
    if (i == warm_up) cpu_before = ServerCpu();
    followers.ExpectNext(writer);
    const absl::Time began = absl::Now();
    const grpc::ByteBuffer answer =
        CallOnce(channel, server == Server::kEtcd ? kEtcdPut : kPush, call);
    const absl::Time ended = absl::Now();
    const absl::Time last = followers.AwaitAll();
    if (server == Server::kNightlog) CheckCommitted(answer);
    if (i < warm_up) continue;
    answered.push_back(ended - began);
    arrived.push_back(last - began);
  }
  if (others != nullptr) {
    report.Add("beside_per_second",
               others->pushed() / absl::ToDoubleSeconds(absl::Now() - others_began));
  }
  report.AddTimes("answer", std::move(answered));
  report.AddTimes("arrival", std::move(arrived));
  report.Add("server_cpu_us", absl::ToDoubleMicroseconds(ServerCpu() - cpu_before) / calls);
}

void Idle(Report& report) {
  const Server server = ServerFlag();
  const int families = absl::GetFlag(FLAGS_families);
  const int streams = absl::GetFlag(FLAGS_streams);
  SystemRandom random;
  const std::vector<Phone> phones = MakePhones(server, families, families, random);
  Followers followers(server, /*consultant=*/false);
  // What the first streams allocate is there once.
  const int warm_up = std::min(streams / 10, 100);
  for (int i = 0; i < warm_up; ++i) followers.Open(phones.front(), random);
  const double before = ServerMemory();
  for (int i = 0; i < streams; ++i) {
    followers.Open(phones[static_cast<size_t>(i) % phones.size()], random);
  }
  absl::SleepFor(absl::Seconds(1));
  report.Add("bytes_per_stream", (ServerMemory() - before) / streams);
  report.Add("server_bytes", ServerMemory());
  const absl::Duration cpu_before = ServerCpu();
  absl::SleepFor(absl::Seconds(2));
  report.Add("server_cpu_share_at_rest", absl::ToDoubleSeconds(ServerCpu() - cpu_before) / 2);

  // A push wakes the streams of its family, or all of a server that knows no families.
  const std::shared_ptr<grpc::Channel> channel = Connect(absl::GetFlag(FLAGS_address));
  const Phone& writer = phones.back();
  const int woken = server == Server::kNightlog ? streams / families : streams + warm_up;
  constexpr int kPushes = 10;
  const absl::Duration cpu_asleep = ServerCpu();
  for (int i = 0; i < kPushes; ++i) CallOnce(channel, kPush, NextPush(writer, 1));
  absl::SleepFor(absl::Seconds(1));
  report.Add("server_cpu_us_per_wake",
             absl::ToDoubleMicroseconds(ServerCpu() - cpu_asleep) / kPushes / woken);
}

// --- catch_up ---

// A phone whose family has as many records as the flag says.
Phone MakeHistory(const std::shared_ptr<grpc::Channel>& channel, Random& random) {
  Phone phone = std::move(MakePhones(Server::kNightlog, 1, 1, random).front());
  constexpr int kNightsAtOnce = 4;
  // A night's summary is a record, too.
  for (int made = 0; made < absl::GetFlag(FLAGS_records);
       made += kNightsAtOnce * (kTapsPerNight + 1)) {
    CheckCommitted(CallOnce(channel, kPush, NextPush(phone, kNightsAtOnce * kTapsPerNight)));
  }
  return phone;
}

void CatchUp(Report& report) {
  SystemRandom random;
  const std::shared_ptr<grpc::Channel> channel = Connect(absl::GetFlag(FLAGS_address));
  const Phone phone = MakeHistory(channel, random);
  v1::FollowRequest request;
  request.set_family_id(phone.pairing.family_id());
  request.set_until_head(true);
  const PreparedCall follow = {ToByteBuffer(request.SerializeAsString()), phone.token};
  std::vector<absl::Duration> walls;
  std::vector<absl::Duration> cpus;
  double bytes = 0;
  for (int i = 0; i < absl::GetFlag(FLAGS_rounds); ++i) {
    absl::Mutex mu;
    bool at_head = false;
    bytes = 0;
    const absl::Duration cpu_before = ServerCpu();
    const absl::Time began = absl::Now();
    OpenStream::Callbacks callbacks;
    callbacks.on_message = [&](const grpc::ByteBuffer& message) {
      const grpc::Slice slice = ToSlice(message);
      absl::MutexLock lock(&mu);
      bytes += static_cast<double>(slice.size());
      at_head = FindField(View(slice), 3).found;
    };
    const OpenStream stream(channel, kFollow, follow, std::move(callbacks));
    absl::MutexLock lock(&mu);
    mu.Await(absl::Condition(&at_head));
    walls.push_back(absl::Now() - began);
    cpus.push_back(ServerCpu() - cpu_before);
  }
  report.AddTimes("wall", std::move(walls));
  report.AddTimes("server_cpu", std::move(cpus));
  report.Add("bytes", bytes);
}

void Replicate(Report& report) {
  SystemRandom random;
  const std::string address = absl::GetFlag(FLAGS_address);
  const Phone phone = MakeHistory(Connect(address), random);
  Families families(address);
  const SystemDeviceClock clock;
  const absl::Time deadline = absl::Now() + absl::Minutes(5);
  std::vector<absl::Duration> walls;
  for (int i = 0; i < absl::GetFlag(FLAGS_rounds); ++i) {
    const Phone other = families.Join(phone, /*consultant=*/false);
    std::string folder = (std::filesystem::temp_directory_path() / "nightlog_XXXXXX").string();
    CHECK(::mkdtemp(folder.data()) != nullptr);
    {
      auto replica = Replica::Open(folder, clock);
      CHECK(replica.ok() && (*replica)->AddFamily(other.pairing).ok());
      GrpcConnectionOptions options;
      options.address = address;
      options.device_token = other.token;
      auto connection = MakeGrpcConnection(options, random);
      CHECK(connection.ok());
      Syncer syncer(**replica, **connection, clock, random);
      const absl::Time began = absl::Now();
      CHECK(syncer.SyncOnce(FamilyId(other.pairing.family_id()), deadline).ok());
      walls.push_back(absl::Now() - began);
    }
    std::filesystem::remove_all(folder);
  }
  report.AddTimes("wall", std::move(walls));
}

// --- disk ---

void Disk(Report& report) {
  std::string path = (std::filesystem::temp_directory_path() / "nightlog_XXXXXX").string();
  const int file = ::mkstemp(path.data());
  CHECK(file >= 0);
  ::unlink(path.c_str());
  const std::string bytes(4096, 'x');
  std::vector<absl::Duration> times;
  for (int i = 0; i < absl::GetFlag(FLAGS_calls); ++i) {
    absl::SleepFor(absl::Microseconds(absl::GetFlag(FLAGS_pause_us)));
    const absl::Time began = absl::Now();
    CHECK(::write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    CHECK(::fdatasync(file) == 0);
    times.push_back(absl::Now() - began);
  }
  ::close(file);
  report.AddTimes("fdatasync", std::move(times));
}

int Main(int argc, char* argv[]) {
  const std::vector<char*> words = absl::ParseCommandLine(argc, argv);
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);  // as nightlogd
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const std::string what = words.size() == 2 ? words[1] : "";
  Report report;
  if (what == "push") {
    Push(report);
  } else if (what == "relay") {
    Relay(report);
  } else if (what == "idle") {
    Idle(report);
  } else if (what == "catch_up") {
    CatchUp(report);
  } else if (what == "replicate") {
    Replicate(report);
  } else if (what == "disk") {
    Disk(report);
  } else {
    std::fprintf(stderr, "usage: load push|relay|idle|catch_up|replicate|disk [FLAG..]\n");
    return 2;
  }
  report.Print();
  std::fflush(stdout);
  // gRPC's threads may still be at the end of a call.
  std::_Exit(0);
}

}  // namespace
}  // namespace nightlog

int main(int argc, char* argv[]) { return nightlog::Main(argc, argv); }
