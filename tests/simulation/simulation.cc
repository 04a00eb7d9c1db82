#include "tests/simulation/simulation.h"

#include <cstdio>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/core/hash.h"
#include "tests/simulation/world.h"

namespace nightlog::simulation {

SimResult World::Run() {
  SetUp();
  std::vector<int> steps = options_.steps;
  if (steps.empty()) {
    for (int i = 0; i < kSteps; ++i) steps.push_back(i);
  }
  for (int step : steps) {
    if (!failure_.empty()) break;
    random_ = SimRandom(options_.seed * 1'000'003 + static_cast<uint64_t>(step) * 7919 + 17);
    Trace(absl::StrCat("step ", step));
    Step();
    if (step % 30 == 29) CheckServer();
    if (step == 40 && options_.seed % 400 == 7) FillOutbox(*phones_[1]);
  }
  Heal();
  SimResult result;
  result.failure = failure_;
  result.trace_hash = trace_hash_;
  result.steps = std::move(steps);
  return result;
}

void World::Trace(const std::string& event) {
  trace_hash_ = Sha256(trace_hash_ + event);
  if (options_.verbose) std::fprintf(stderr, "%s\n", event.c_str());
}

void World::Fail(const std::string& failure) {
  if (failure_.empty()) failure_ = failure;
  Trace("FAIL " + failure);
}

void World::FailIf(const std::string& failure) {
  if (!failure.empty()) Fail(failure);
}

void World::FailUnless(const absl::Status& status, const std::string& what) {
  if (!status.ok()) Fail(absl::StrCat(what, ": ", status.ToString(kPlain)));
}

StreamLimits World::LimitsFor(SimRandom& random) {
  if (random.Chance(30)) return StreamLimits();
  // Of some, one message fills the window.
  if (random.Chance(40)) return {500 + random.Below(3000), 200 + random.Below(1500)};
  return {500 + random.Below(3000), 2000 + random.Below(20'000)};
}

void World::Step() {
  PassTime(random_.Within(random_.Chance(3) ? absl::Hours(14) : absl::Minutes(20)));
  meanwhiles_ = 0;
  Phone& phone = *phones_[random_.Below(phones_.size())];
  // What happens, and how often of 1,000 times.
  struct Choice {
    uint64_t weight;
    void (World::*step)(Phone&);
  };
  static constexpr Choice kChoices[] = {
      {400, &World::TapSomething},    {200, &World::SyncWithFaults},
      {70, &World::PushTogether},     {35, &World::CrashPhone},
      {30, &World::CrashServer},      {25, &World::StartServerIfDown},
      {35, &World::DisturbClock},     {30, &World::DeliverOldPacket},
      {35, &World::OpenStream},       {50, &World::ReadStreams},
      {25, &World::ReadSomething},    {15, &World::FlapConsent},
      {15, &World::DecideQuarantine}, {7, &World::RevokeSomebody},
      {5, &World::RemoveSomebody},    {8, &World::Backup},
      {10, &World::RestoreServer},    {4, &World::LoseData},
      {15, &World::CopyPhone},        {20, &World::SetBack},
      {4, &World::CloneOrReinstall},  {3, &World::DamagePhone},
      {5, &World::UpdateServer},      {8, &World::UseOpenInvite},
      {15, &World::UndoSomething},    {25, &World::NeighboursLive},
      {40, &World::TapAtOnce},        {15, &World::SayTheyWereTwo},
      {8, &World::AgreeAndForget},    {8, &World::PushNonsense},
      {10, &World::WatchCaseload},    {12, &World::ChangeRole},
      {8, &World::ExchangeToken},     {6, &World::OwnersDisagree},
  };
  uint64_t dice = 0;
  for (const Choice& choice : kChoices) dice += choice.weight;
  dice = random_.Below(dice);
  const Choice* choice = kChoices;
  for (; dice >= choice->weight; ++choice) dice -= choice->weight;
  (this->*choice->step)(phone);
}

void World::PassTime(absl::Duration duration) {
  server_.clock().Advance(duration);
  for (auto& phone : phones_) phone->clock->Advance(duration);
  neighbour_->clock->Advance(duration);
}

SimResult Simulate(const SimOptions& options) { return World(options).Run(); }

SimOptions Shrink(const SimOptions& failing) {
  SimOptions smallest = failing;
  smallest.verbose = false;
  const SimResult whole = Simulate(smallest);
  smallest.steps = whole.steps;
  // The same promise must break: its name is what stands before the colon.
  const auto fails =
      [promise = whole.failure.substr(0, whole.failure.find(':'))](const SimOptions& candidate) {
        return absl::StartsWith(Simulate(candidate).failure, promise);
      };
  // Leave out ever smaller runs of steps, as long as it still fails.
  for (size_t run = smallest.steps.size() / 2; run > 0;) {
    bool shrunk = false;
    for (size_t start = 0; start + run <= smallest.steps.size();) {
      SimOptions candidate = smallest;
      candidate.steps.erase(candidate.steps.begin() + static_cast<int64_t>(start),
                            candidate.steps.begin() + static_cast<int64_t>(start + run));
      if (!candidate.steps.empty() && fails(candidate)) {
        smallest = std::move(candidate);
        shrunk = true;
      } else {
        start += run;
      }
    }
    if (!shrunk) run /= 2;
  }
  return smallest;
}

}  // namespace nightlog::simulation
