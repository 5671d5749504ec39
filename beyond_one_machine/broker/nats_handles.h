// Owners of the objects of the NATS C client, and the check of its results.
#pragma once

#include <nats/nats.h>

#include <memory>
#include <string>

#include "broker/broker.h"

namespace worker_pool::nats {

template <auto destroy>
struct Destroy {
  template <class T>
  void operator()(T* object) const {
    destroy(object);
  }
};

using Options = std::unique_ptr<natsOptions, Destroy<natsOptions_Destroy>>;
using Connection = std::unique_ptr<natsConnection, Destroy<natsConnection_Destroy>>;
using JetStream = std::unique_ptr<jsCtx, Destroy<jsCtx_Destroy>>;
using Subscription = std::unique_ptr<natsSubscription, Destroy<natsSubscription_Destroy>>;
using Message = std::unique_ptr<natsMsg, Destroy<natsMsg_Destroy>>;
using MetaData = std::unique_ptr<jsMsgMetaData, Destroy<jsMsgMetaData_Destroy>>;
using StreamInfo = std::unique_ptr<jsStreamInfo, Destroy<jsStreamInfo_Destroy>>;
using Consumers = std::unique_ptr<jsConsumerInfoList, Destroy<jsConsumerInfoList_Destroy>>;
using PubAck = std::unique_ptr<jsPubAck, Destroy<jsPubAck_Destroy>>;
using Store = std::unique_ptr<kvStore, Destroy<kvStore_Destroy>>;
using Entry = std::unique_ptr<kvEntry, Destroy<kvEntry_Destroy>>;

// Throws BrokerError if the call failed. `what` names the request.
inline void check(natsStatus status, const std::string& what) {
  if (status == NATS_OK) return;
  natsStatus last = NATS_OK;
  const char* const detail = nats_GetLastError(&last);  // of this thread's last failed call
  std::string text = what + ": " + natsStatus_GetText(status);
  if (detail != nullptr && last == status && *detail != '\0') text += std::string(": ") + detail;
  throw BrokerError(text);
}

// Passes a call the address for its result, and owns the result afterwards:
//
//   check(natsOptions_Create(Out(options)), "options");
template <class Owner>
class Out {
 public:
  explicit Out(Owner& owner) : owner_(owner) {}
  ~Out() { owner_.reset(object_); }
  Out(Out&&) = delete;
  operator typename Owner::pointer*() { return &object_; }  // NOLINT: meant to be implicit

 private:
  Owner& owner_;
  typename Owner::pointer object_ = nullptr;
};

}  // namespace worker_pool::nats
