#include "ours.h"

#include "program.h"

int main(int argc, char** argv) {
  using namespace worker_pool::benchmarks;
  return run_program(
      argc, argv,
      {entry<OnSimpleChannel>("simple"), entry<OnFastChannel>("fast"),
       entry_for_jobs<WithReturns>("fast-returns"),
       entry_for_jobs<WholePool<Simple>>("pool-simple"), entry_for_jobs<WholePool<Fast>>("pool")});
}
