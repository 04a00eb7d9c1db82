#include "tests/fuzz/byte_source.h"

#include <algorithm>
#include <limits>
#include <random>

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

// Chance bytes now and then: decisions need many bytes, and need no example to start from.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned int seed) {
  std::minstd_rand random(seed);
  if (random() % 2 == 0) return LLVMFuzzerMutate(data, size, max_size);
  const size_t bytes = 1 + random() % max_size;
  for (size_t i = 0; i < bytes; ++i) data[i] = static_cast<uint8_t>(random() >> 8);
  return bytes;
}

namespace nightlog::fuzz {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr int kDepthMax = 12;
constexpr const char* kWords[] = {"",           "Robin",      "Europe/London", "America/New_York",
                                  "Nowhere/At", "2026-03-29", "2025-02-30",    "19:30",
                                  "0",          "\xc3\xa9",   "2026-11-24",    "25:61"};

std::string Text(ByteSource& source) {
  if (source.Pick(8) == 0) return std::string(source.Byte() * size_t{40}, 'x');
  return kWords[source.Pick(std::size(kWords))];
}

std::string Bytes(ByteSource& source, const std::vector<std::string>& ids) {
  if (source.Pick(8) == 0) return source.Bytes(40);
  return ids[source.Pick(ids.size())];
}

void FillMessage(ByteSource& source, const std::vector<std::string>& ids, int depth,
                 Message& message);

// One value: set, or added to a repeated field.
void FillField(ByteSource& source, const std::vector<std::string>& ids, int depth,
               const FieldDescriptor* field, Message& message) {
  const Reflection& reflection = *message.GetReflection();
  const bool add = field->is_repeated();
  const auto put = [&](auto set, auto add_one, auto value) {
    add ? (reflection.*add_one)(&message, field, value) : (reflection.*set)(&message, field, value);
  };
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return put(&Reflection::SetInt32, &Reflection::AddInt32,
                 static_cast<int32_t>(source.Number()));
    case FieldDescriptor::CPPTYPE_INT64:
      return put(&Reflection::SetInt64, &Reflection::AddInt64,
                 static_cast<int64_t>(source.Number()));
    case FieldDescriptor::CPPTYPE_UINT32:
      return put(&Reflection::SetUInt32, &Reflection::AddUInt32,
                 static_cast<uint32_t>(source.Number()));
    case FieldDescriptor::CPPTYPE_UINT64:
      return put(&Reflection::SetUInt64, &Reflection::AddUInt64, source.Number());
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return put(&Reflection::SetDouble, &Reflection::AddDouble,
                 source.Pick(4) == 0 ? std::numeric_limits<double>::quiet_NaN()
                                     : static_cast<double>(static_cast<int64_t>(source.Number())));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return put(&Reflection::SetFloat, &Reflection::AddFloat,
                 static_cast<float>(static_cast<int64_t>(source.Number())));
    case FieldDescriptor::CPPTYPE_BOOL:
      return put(&Reflection::SetBool, &Reflection::AddBool, source.Pick(2) == 1);
    case FieldDescriptor::CPPTYPE_ENUM:
      return put(&Reflection::SetEnumValue, &Reflection::AddEnumValue,
                 source.Pick(8) == 0 ? static_cast<int>(source.Number())
                                     : static_cast<int>(source.Pick(16)));
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string value =
          field->type() == FieldDescriptor::TYPE_STRING ? Text(source) : Bytes(source, ids);
      if (add) return reflection.AddString(&message, field, std::move(value));
      return reflection.SetString(&message, field, std::move(value));
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return FillMessage(source, ids, depth + 1,
                         add ? *reflection.AddMessage(&message, field)
                             : *reflection.MutableMessage(&message, field));
  }
}

void FillMessage(ByteSource& source, const std::vector<std::string>& ids, int depth,
                 Message& message) {
  if (depth > kDepthMax) return;
  const google::protobuf::Descriptor& type = *message.GetDescriptor();
  for (int i = 0; i < type.field_count() && !source.empty(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (field->is_repeated()) {
      for (size_t count = source.Pick(4); count > 0; --count) {
        FillField(source, ids, depth, field, message);
      }
    } else if (field->real_containing_oneof() != nullptr ? source.Pick(3) == 0
                                                         : source.Pick(4) != 0) {
      FillField(source, ids, depth, field, message);
    }
  }
}

}  // namespace

uint8_t ByteSource::Byte() {
  if (size_ == 0) return 0;
  --size_;
  return *data_++;
}

uint64_t ByteSource::Number() {
  switch (Pick(8)) {
    case 0:
      return std::numeric_limits<uint64_t>::max();
    case 1:
      return std::numeric_limits<int64_t>::max();
    case 2:
      return std::numeric_limits<uint32_t>::max();
    case 3:
      return static_cast<uint64_t>(std::numeric_limits<int64_t>::min());
    case 4:
    case 5:
      return 1'700'000'000 + Byte() * uint64_t{600};
    default:
      return Pick(20);
  }
}

std::string ByteSource::Bytes(size_t most) {
  const size_t count = std::min(Pick(most + 1), size_);
  std::string bytes(reinterpret_cast<const char*>(data_), count);
  data_ += count;
  size_ -= count;
  return bytes;
}

std::string ByteSource::Rest() {
  std::string bytes(reinterpret_cast<const char*>(data_), size_);
  size_ = 0;
  return bytes;
}

void Fill(ByteSource& source, const std::vector<std::string>& ids, Message& message) {
  FillMessage(source, ids, 0, message);
}

bool Make(ByteSource& source, const std::vector<std::string>& ids, Message& message) {
  if (source.Pick(4) == 0) return message.ParseFromString(source.Rest());
  Fill(source, ids, message);
  return true;
}

}  // namespace nightlog::fuzz
