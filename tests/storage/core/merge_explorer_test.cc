// Every way in which a hub and three devices can interleave a few edits of one record, with the
// real merge on both sides: the promise that no committed value is lost unless its successor's
// author saw it go (C5 in tests/README.md) is checked at each step of each of them.

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/core/hash.h"
#include "tests/storage/core/edit_builder.h"

namespace nightlog {
namespace {

using storage::v1::StoredEditId;
using storage::v1::StoredGroup;
using storage::v1::StoredRecord;
using storage::v1::StoredVersion;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// A value that somebody committed: an edit, or an element that an edit added to a set.
using Item = std::string;

Item NameOf(const StoredEditId& id) { return absl::StrCat(id.replica_id().substr(0, 1), id.seq()); }

std::vector<std::string> TagsIn(const StoredVersion& version) {
  v1::LogEntry entry;
  EXPECT_TRUE(entry.ParseFromString(version.value()));
  return {entry.tags().begin(), entry.tags().end()};
}

bool IsTags(const StoredRecord& record, const StoredGroup& group) {
  return record.kind() == kLogEntry && group.group() == v1::LogEntry::kTagsFieldNumber;
}

// The values that stand in a record, each with those that say the same as it.
std::map<Item, std::set<Item>> ItemsOf(const StoredRecord& record) {
  std::map<Item, std::set<Item>> items;
  for (const StoredGroup& group : record.groups()) {
    for (const StoredVersion& version : group.versions()) {
      if (IsTags(record, group)) {
        for (const std::string& tag : TagsIn(version)) {
          const Item item = absl::StrCat(NameOf(version.edit()), tag);
          items[item] = {item};
        }
        continue;
      }
      std::set<Item> same = {NameOf(version.edit())};
      for (const StoredEditId& id : version.agreed()) same.insert(NameOf(id));
      for (const Item& item : same) items[item] = same;
    }
  }
  return items;
}

Seen AllVersions(const StoredRecord& record) {
  Seen seen;
  for (const StoredGroup& group : record.groups()) {
    for (const StoredVersion& version : group.versions()) seen.push_back(version.edit());
  }
  return seen;
}

Seen VersionsOf(const StoredRecord& record, uint32_t group) {
  Seen seen;
  if (const StoredGroup* found = FindGroup(record, group)) {
    for (const StoredVersion& version : found->versions()) seen.push_back(version.edit());
  }
  return seen;
}

Seen FirstOf(Seen seen) {
  if (seen.size() > 1) seen.resize(1);
  return seen;
}

// An edit as it was made: with the values that were on its author's screen, and all edits that its
// author's device had by then.
struct MadeEdit {
  TestEdit edit;
  std::set<Item> screen;
  std::set<Item> past;
  std::string bytes;
};
using MadeEditPtr = std::shared_ptr<const MadeEdit>;

struct Snapshot {
  explicit Snapshot(StoredRecord state) : record(std::move(state)) {
    bytes = SerializeDeterministic(record);
  }
  StoredRecord record;
  std::string bytes;
};
using SnapshotPtr = std::shared_ptr<const Snapshot>;

struct Step {
  std::string what;
  std::shared_ptr<const Step> before;
};

constexpr int kDevices = 3;

struct Device {
  SnapshotPtr confirmed;
  size_t revision = 0;
  std::vector<MadeEditPtr> outbox;
  uint64_t next_seq = 1;
};

struct World {
  SnapshotPtr hub;
  std::vector<MadeEditPtr> journal;
  std::array<Device, kDevices> devices;
  int edits = 0;
  std::shared_ptr<const Step> trace;
};

// What people do with one record.
struct Scenario {
  // In the hub and on every device from the start.
  std::vector<TestEdit> base;
  // The edits that a person may make of what the screen shows.
  std::function<std::vector<TestEdit>(char who, uint64_t seq, absl::Time now,
                                      const StoredRecord& screen)>
      options;
  // The same edits in another order, in which each still follows what its author had, give the same
  // record. Not so where edits agree: whoever saw one saw the others, once these are there.
  bool order_free = true;
  int edits = 3;
};

using HubMerge =
    std::function<void(const World&, const Device&, const MadeEdit&, StoredRecord& record)>;

void RealMerge(const World&, const Device&, const MadeEdit& made, StoredRecord& record) {
  Merge(made.edit.authored(), record);
}

// What a design with a base revision for each push would do: an edit has seen all that was
// committed up to the revision that its device holds as it pushes, and all that its device did
// itself.
void MergeByBaseRevision(const World& world, const Device& device, const MadeEdit& made,
                         StoredRecord& record) {
  TestEdit edit = made.edit;
  edit.edit.clear_saw();
  for (const StoredEditId& id : AllVersions(record)) {
    bool seen = id.replica_id() == edit.id.replica_id();
    for (size_t i = 0; i < device.revision; ++i) {
      if (SameEdit(world.journal[i]->edit.id, id)) seen = true;
    }
    if (seen) *edit.edit.add_saw() = ToWire(id);
  }
  Merge(edit.authored(), record);
}

// Where the hub does not look at what a device holds, a pull matters only to the device's next
// edit, so pulls just before edits stand for all.
enum class Pulls { kBeforeEdits, kAtAnyTime };

class Explorer {
 public:
  Explorer(Scenario scenario, HubMerge merge, Pulls pulls)
      : scenario_(std::move(scenario)), merge_(std::move(merge)), pulls_(pulls) {}

  // Breadth first, so that the first problem has the shortest trace; ends with it.
  void Run() {
    World start;
    StoredRecord record;
    for (const TestEdit& edit : scenario_.base) Merge(edit.authored(), record);
    start.hub = std::make_shared<Snapshot>(record);
    for (Device& device : start.devices) device.confirmed = start.hub;
    std::vector<World> worlds;
    Visit(std::move(start), worlds);
    while (!worlds.empty() && problem_.empty()) {
      std::vector<World> next;
      for (const World& world : worlds) {
        for (int i = 0; i < kDevices && problem_.empty(); ++i) {
          MakeEdits(world, i, next);
          PushOne(world, i, next);
          if (world.devices[i].revision == world.journal.size()) continue;
          World pulled = Pulled(world, i);
          if (pulls_ == Pulls::kAtAnyTime) {
            Visit(std::move(pulled), next);
          } else {
            MakeEdits(pulled, i, next);
          }
        }
      }
      worlds = std::move(next);
    }
  }

  size_t worlds() const { return seen_.size(); }
  size_t reorderings() const { return reorderings_; }
  const std::string& problem() const { return problem_; }
  const std::vector<std::string>& trace() const { return trace_; }

 private:
  static char LetterOf(int device) { return static_cast<char>('a' + device); }

  void Visit(World world, std::vector<World>& next) {
    std::string key = world.hub->bytes;
    std::set<std::string> committed;
    for (const MadeEditPtr& made : world.journal) committed.insert(made->bytes);
    for (const std::string& bytes : committed) key += bytes;
    for (const Device& device : world.devices) {
      absl::StrAppend(&key, "|", device.revision, ",", device.next_seq, ",");
      key += device.confirmed->bytes;
      for (const MadeEditPtr& made : device.outbox) key += made->bytes;
    }
    if (!seen_.insert(Sha256(key)).second) return;
    if (world.journal.size() == static_cast<size_t>(scenario_.edits) && scenario_.order_free) {
      CheckReorderings(world);
    }
    next.push_back(std::move(world));
  }

  World After(const World& world, std::string what) const {
    World after = world;
    after.trace = std::make_shared<Step>(Step{std::move(what), world.trace});
    return after;
  }

  void Fail(const World& world, std::string problem) {
    if (!problem_.empty()) return;
    problem_ = std::move(problem);
    for (auto step = world.trace; step != nullptr; step = step->before) {
      trace_.insert(trace_.begin(), step->what);
    }
  }

  void MakeEdits(const World& world, int i, std::vector<World>& next) {
    if (world.edits == scenario_.edits) return;
    const Device& device = world.devices[i];
    StoredRecord screen = device.confirmed->record;
    for (const MadeEditPtr& made : device.outbox) Merge(made->edit.authored(), screen);
    // Taps of the first two devices alternate; the clock of the last one is far behind. By the
    // device's own count, so that edits of different devices commute.
    const double minute = i == kDevices - 1 ? -100 : i * 0.5;
    const absl::Time now = Minute(minute + static_cast<double>(device.next_seq));
    for (TestEdit& edit : scenario_.options(LetterOf(i), device.next_seq, now, screen)) {
      auto made = std::make_shared<MadeEdit>();
      for (const auto& item : ItemsOf(screen)) made->screen.insert(item.first);
      for (size_t k = 0; k < device.revision; ++k) {
        made->past.insert(NameOf(world.journal[k]->edit.id));
      }
      for (uint64_t seq = 1; seq < device.next_seq; ++seq) {
        made->past.insert(absl::StrCat(std::string(1, LetterOf(i)), seq));
      }
      made->bytes =
          absl::StrCat(NameOf(edit.id), absl::FormatTime(edit.made_at),
                       absl::StrJoin(made->screen, ","), ";", absl::StrJoin(made->past, ","));
      made->bytes += edit.edit.SerializeAsString();
      made->edit = std::move(edit);
      World after = After(world, absl::StrCat(NameOf(made->edit.id), ": edit"));
      after.devices[i].outbox.push_back(std::move(made));
      ++after.devices[i].next_seq;
      ++after.edits;
      Visit(std::move(after), next);
    }
  }

  void PushOne(const World& world, int i, std::vector<World>& next) {
    if (world.devices[i].outbox.empty()) return;
    const MadeEditPtr made = world.devices[i].outbox.front();
    World after = After(world, absl::StrCat(NameOf(made->edit.id), ": push"));
    StoredRecord record = world.hub->record;
    merge_(world, world.devices[i], *made, record);
    after.hub = std::make_shared<Snapshot>(std::move(record));
    after.journal.push_back(made);
    // The device keeps the edit over what it holds until it pulls; so does the screen.
    after.devices[i].outbox.erase(after.devices[i].outbox.begin());
    after.devices[i].confirmed = [&] {
      StoredRecord confirmed = world.devices[i].confirmed->record;
      Merge(made->edit.authored(), confirmed);
      return std::make_shared<Snapshot>(std::move(confirmed));
    }();
    CheckConservation(world.hub->record, *made, after);
    Visit(std::move(after), next);
  }

  World Pulled(const World& world, int i) {
    World after = After(world, absl::StrCat(std::string(1, LetterOf(i)), ": pull"));
    v1::Record wire;
    v1::Record again;
    EXPECT_TRUE(RecordToWire("r", world.hub->record, wire));
    StoredRecord confirmed = RecordFromWire(wire);
    if (!RecordToWire("r", confirmed, again) ||
        again.SerializeAsString() != wire.SerializeAsString() ||
        DigestOf("r", confirmed) != DigestOf("r", world.hub->record) ||
        HasConflict(confirmed) != HasConflict(world.hub->record)) {
      Fail(after, "the replica differs from the hub");
    }
    after.devices[i].confirmed = std::make_shared<Snapshot>(std::move(confirmed));
    after.devices[i].revision = world.journal.size();
    return after;
  }

  // Nothing that stood is gone unless the author saw it; what was committed stands.
  void CheckConservation(const StoredRecord& before, const MadeEdit& made, const World& after) {
    const StoredRecord& record = after.hub->record;
    const auto items = ItemsOf(record);
    const auto on_screen = [&made](const std::set<Item>& same) {
      return std::any_of(same.begin(), same.end(),
                         [&made](const Item& item) { return made.screen.count(item) > 0; });
    };
    for (const auto& [item, same] : ItemsOf(before)) {
      if (items.count(item) == 0 && !on_screen(same)) {
        Fail(after, absl::StrCat(item, " is lost by ", NameOf(made.edit.id)));
      }
    }
    const v1::Edit& edit = made.edit.edit;
    const Item name = NameOf(made.edit.id);
    if (edit.log_entry().tags_size() > 0) {
      for (const std::string& tag : edit.log_entry().tags()) {
        if (items.count(absl::StrCat(name, tag)) == 0) Fail(after, "an added element is lost");
      }
    } else if (!ValueOf(edit).empty() || edit.has_existence()) {
      if (items.count(name) == 0) Fail(after, absl::StrCat(name, " is lost at once"));
    }
    CheckDeletion(before, made, after, on_screen);
  }

  template <typename OnScreen>
  void CheckDeletion(const StoredRecord& before, const MadeEdit& made, const World& after,
                     const OnScreen& on_screen) {
    const StoredRecord& record = after.hub->record;
    if (!record.deleted() || before.deleted()) return;
    if (!made.edit.edit.existence().deleted()) Fail(after, "deleted by an edit of a value");
    for (const auto& [item, same] : ItemsOf(before)) {
      if (!on_screen(same) && !IsDeletionItem(before, item)) {
        Fail(after, absl::StrCat(item, " is deleted unseen"));
      }
    }
  }

  static bool IsDeletionItem(const StoredRecord& record, const Item& item) {
    const StoredGroup* existence = FindGroup(record, kExistence);
    if (existence == nullptr) return false;
    for (const StoredVersion& version : existence->versions()) {
      v1::Existence value;
      if (NameOf(version.edit()) == item) {
        return value.ParseFromString(version.value()) && value.deleted();
      }
    }
    return false;
  }

  // A replica that got the same edits in any other order that keeps causes before effects.
  void CheckReorderings(const World& world) {
    StoredRecord record;
    for (const TestEdit& edit : scenario_.base) Merge(edit.authored(), record);
    Reorder(world, record, {});
  }

  void Reorder(const World& world, const StoredRecord& record, std::set<Item> done) {
    if (done.size() == world.journal.size()) {
      ++reorderings_;
      if (SerializeDeterministic(record) != world.hub->bytes) {
        Fail(world, "another order gives another record");
      }
      return;
    }
    for (const MadeEditPtr& made : world.journal) {
      const Item name = NameOf(made->edit.id);
      if (done.count(name) > 0 ||
          !std::includes(done.begin(), done.end(), made->past.begin(), made->past.end())) {
        continue;
      }
      StoredRecord after = record;
      Merge(made->edit.authored(), after);
      std::set<Item> done_after = done;
      done_after.insert(name);
      Reorder(world, after, std::move(done_after));
    }
  }

  const Scenario scenario_;
  const HubMerge merge_;
  const Pulls pulls_;
  std::unordered_set<std::string> seen_;
  size_t reorderings_ = 0;
  std::string problem_;
  std::vector<std::string> trace_;
};

void ExpectNoProblem(const Scenario& scenario) {
  Explorer explorer(scenario, RealMerge, Pulls::kBeforeEdits);
  explorer.Run();
  EXPECT_EQ(explorer.problem(), "") << absl::StrJoin(explorer.trace(), "\n");
  EXPECT_GT(explorer.worlds(), 1000u);
  EXPECT_EQ(explorer.reorderings() > 0, scenario.order_free);
}

// A new value, over the one shown or over all that stand. `distinct`: each edit has its own.
Scenario RegisterScenario(bool distinct) {
  Scenario scenario;
  scenario.base = {NameEdit('h', 1, Minute(-200), "base")};
  scenario.edits = 4;
  scenario.options = [distinct](char who, uint64_t seq, absl::Time now,
                                const StoredRecord& screen) {
    const std::string value = absl::StrCat("value ", distinct ? std::string(1, who) : "", seq);
    const Seen all = VersionsOf(screen, v1::Child::kNameFieldNumber);
    std::vector<TestEdit> edits = {NameEdit(who, seq, now, value, FirstOf(all))};
    if (all.size() > 1) edits.push_back(NameEdit(who, seq, now, value, all));
    return edits;
  };
  return scenario;
}

TEST(MergeExplorerTest, ARegisterLosesNothing) { ExpectNoProblem(RegisterScenario(true)); }

TEST(MergeExplorerTest, ARegisterWhoseWritersOftenAgreeLosesNothing) {
  Scenario scenario = RegisterScenario(false);
  scenario.order_free = false;
  ExpectNoProblem(scenario);
}

TEST(MergeExplorerTest, ASetLosesNothing) {
  Scenario scenario;
  scenario.base = {TagsEdit('h', 1, Minute(-200), {"x", "y"})};
  scenario.options = [](char who, uint64_t seq, absl::Time now, const StoredRecord& screen) {
    const Seen all = AllVersions(screen);
    std::vector<TestEdit> edits = {
        TagsEdit(who, seq, now, {"x", absl::StrCat(std::string(1, who), seq)}, {}, all)};
    v1::LogEntry entry;
    EXPECT_TRUE(ParseBody(screen, entry));
    for (const std::string& tag : entry.tags()) {
      if (tag == "x") edits.push_back(TagsEdit(who, seq, now, {}, {tag}, all));
    }
    return edits;
  };
  ExpectNoProblem(scenario);
}

TEST(MergeExplorerTest, ATextLosesNothing) {
  Scenario scenario;
  scenario.base = {TextEdit('h', 1, Minute(-200), "base")};
  scenario.options = [](char who, uint64_t seq, absl::Time now,
                        const StoredRecord& screen) -> std::vector<TestEdit> {
    const Seen all = AllVersions(screen);
    return {TextEdit(who, seq, now, absl::StrCat("text ", std::string(1, who), seq), all),
            TextEdit(who, seq, now, "", all)};
  };
  ExpectNoProblem(scenario);
}

TEST(MergeExplorerTest, DeletingAndBringingBackLoseNothing) {
  Scenario scenario;
  scenario.base = {NameEdit('h', 1, Minute(-200), "base")};
  scenario.order_free = false;  // two deletions agree
  scenario.options = [](char who, uint64_t seq, absl::Time now, const StoredRecord& screen) {
    const Seen existence = VersionsOf(screen, kExistence);
    Seen value = FirstOf(VersionsOf(screen, v1::Child::kNameFieldNumber));
    if (screen.deleted()) value.insert(value.end(), existence.begin(), existence.end());
    std::vector<TestEdit> edits = {
        NameEdit(who, seq, now, absl::StrCat("value ", std::string(1, who), seq), value)};
    if (!screen.deleted()) {
      edits.push_back(ExistenceEdit(who, seq, now, true, AllVersions(screen)));
    }
    if (!existence.empty()) edits.push_back(ExistenceEdit(who, seq, now, false, existence));
    return edits;
  };
  ExpectNoProblem(scenario);
}

TEST(MergeExplorerTest, FindsTheValueThatABaseRevisionPerPushLoses) {
  Explorer explorer(RegisterScenario(true), MergeByBaseRevision, Pulls::kAtAnyTime);
  explorer.Run();
  EXPECT_THAT(explorer.problem(), HasSubstr("is lost by"));
  EXPECT_THAT(explorer.trace(), SizeIs(5)) << absl::StrJoin(explorer.trace(), "\n");
}

}  // namespace
}  // namespace nightlog
