// The five stages in Go: a job, a worker, a dispatcher, a graceful shutdown, and main.
package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"
)

type Job struct {
	ID      string
	Payload []byte
	Ctx     context.Context
}

func process(job Job) error {
	if len(job.Payload) == 0 {
		return fmt.Errorf("job %s has no payload", job.ID)
	}
	return nil
}

func worker(id int, jobs <-chan Job, wg *sync.WaitGroup) {
	defer wg.Done()
	for job := range jobs {
		if job.Ctx.Err() != nil {
			fmt.Println("Job failed: cancelled before it started")
			continue
		}
		fmt.Printf("Worker %d processing job %s\n", id, job.ID)
		if err := process(job); err != nil {
			fmt.Println("Job failed:", err)
			continue
		}
		fmt.Println("Job done:", job.ID)
	}
}

func startWorkers(n int) (chan<- Job, *sync.WaitGroup) {
	jobs := make(chan Job, 100)
	wg := new(sync.WaitGroup)
	for id := 1; id <= n; id++ {
		wg.Add(1)
		go worker(id, jobs, wg)
	}
	return jobs, wg
}

func shutdown(jobs chan<- Job, wg *sync.WaitGroup, limit time.Duration) bool {
	close(jobs)
	done := make(chan struct{})
	go func() {
		wg.Wait()
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-time.After(limit):
		return false
	}
}

func main() {
	jobs, wg := startWorkers(1) // one, so that the lines have one order
	ctx := context.Background()
	cancelled, cancel := context.WithCancel(ctx)
	cancel()

	jobs <- Job{"a", []byte("42"), ctx}
	jobs <- Job{"b", nil, ctx}
	jobs <- Job{"c", []byte("43"), ctx}
	jobs <- Job{"d", []byte("44"), cancelled}
	jobs <- Job{"e", []byte("45"), ctx}

	if !shutdown(jobs, wg, 5*time.Second) {
		fmt.Println("Timeout: not all workers finished.")
		os.Exit(1)
	}
	fmt.Println("All workers finished. Safe to exit.")
}
