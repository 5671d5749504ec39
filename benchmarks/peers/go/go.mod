module worker_pool_course/benchmarks/peers/go

go 1.21
