// The usual pool in Go: goroutines that range over a channel. Bounded: a send blocks while the
// channel is full.
//
// The workload, the command line and the output are those of ../../workload.h and ../../program.h.
package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const (
	capacity    = 100
	jobsInALife = 5
)

type block struct {
	number uint64
	rest   [7]uint64
}

type job struct {
	ID      string
	Payload []byte
	Ctx     context.Context
}

func work(x, steps uint64) uint64 {
	for ; steps > 0; steps-- {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x
}

func stepsPerUs() float64 {
	const steps = 200_000
	best := math.MaxFloat64
	x := uint64(1)
	for i := 0; i < 200; i++ {
		start := time.Now()
		x = work(x, steps)
		took := float64(time.Since(start).Nanoseconds()) / 1e3
		if x != 0 {
			best = min(best, took)
		}
	}
	return steps / best
}

type tally struct{ jobs, numbers, results uint64 }

func (t *tally) handle(number, steps uint64) {
	t.jobs++
	t.numbers += number
	t.results ^= work(number+1, steps)
}

func (t *tally) add(other tally) {
	t.jobs += other.jobs
	t.numbers += other.numbers
	t.results ^= other.results
}

// kind has one instance for each type of job, so that no job costs an indirect call.
type kind[T any] struct {
	send func(jobs chan<- T, first, end uint64)
	// Handles jobs until the channel is closed. Sends an answer for each job unless answers is nil.
	worker func(jobs <-chan T, answers chan<- bool, steps uint64) tally
}

var ints = kind[int]{
	send: func(jobs chan<- int, first, end uint64) {
		for i := first; i < end; i++ {
			jobs <- int(i)
		}
	},
	worker: func(jobs <-chan int, answers chan<- bool, steps uint64) (own tally) {
		for j := range jobs {
			own.handle(uint64(j), steps)
			if answers != nil {
				answers <- true
			}
		}
		return own
	},
}

var blocks = kind[block]{
	send: func(jobs chan<- block, first, end uint64) {
		for i := first; i < end; i++ {
			jobs <- block{number: i}
		}
	},
	worker: func(jobs <-chan block, answers chan<- bool, steps uint64) (own tally) {
		for j := range jobs {
			own.handle(j.number, steps)
			if answers != nil {
				answers <- true
			}
		}
		return own
	},
}

var fullJobs = kind[job]{
	send: func(jobs chan<- job, first, end uint64) {
		for i := first; i < end; i++ {
			j := job{
				ID:      "job-" + strconv.FormatUint(i, 10),
				Payload: make([]byte, 64),
				Ctx:     context.Background(),
			}
			binary.NativeEndian.PutUint64(j.Payload, i)
			jobs <- j
		}
	},
	worker: func(jobs <-chan job, answers chan<- bool, steps uint64) (own tally) {
		for j := range jobs {
			own.handle(binary.NativeEndian.Uint64(j.Payload), steps)
			if answers != nil {
				answers <- true
			}
		}
		return own
	},
}

// A job without heap memory of its own. Making an ID of a number would allocate.
type bareJob struct {
	job
	number uint64
}

var bareJobs = kind[bareJob]{
	send: func(jobs chan<- bareJob, first, end uint64) {
		for i := first; i < end; i++ {
			jobs <- bareJob{job: job{ID: "job", Ctx: context.Background()}, number: i}
		}
	},
	worker: func(jobs <-chan bareJob, answers chan<- bool, steps uint64) (own tally) {
		for j := range jobs {
			own.handle(j.number, steps)
			if answers != nil {
				answers <- true
			}
		}
		return own
	},
}

type pool[T any] struct {
	jobs    chan T
	answers chan bool // nil if no answers are wanted
	workers sync.WaitGroup
	mutex   sync.Mutex
	handled tally // guarded by mutex
}

func newPool[T any](k kind[T], r row) *pool[T] {
	p := &pool[T]{jobs: make(chan T, capacity)}
	if r.shape == "ping-pong" {
		p.answers = make(chan bool, capacity)
	}
	for i := 0; i < r.workers; i++ {
		p.workers.Add(1)
		go func() {
			defer p.workers.Done()
			own := k.worker(p.jobs, p.answers, r.steps)
			p.mutex.Lock()
			defer p.mutex.Unlock()
			p.handled.add(own)
		}()
	}
	return p
}

func (p *pool[T]) finish() tally {
	close(p.jobs)
	p.workers.Wait()
	return p.handled
}

type row struct {
	shape              string
	workers, producers int
	steps, count       uint64
}

// What the process has used, counted from an arbitrary time.
type usage struct {
	wall          time.Time
	cpuNs, sleeps int64
}

func usageNow() usage {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return usage{time.Now(), used.Utime.Nano() + used.Stime.Nano(), int64(used.Nvcsw)}
}

func printUse(start usage, count uint64, handled tally) {
	end := usageNow()
	each := func(n int64) float64 { return float64(n) / float64(count) }
	fmt.Printf("ns=%.3f cpu_ns=%.3f sleeps=%.6f jobs=%d numbers=%d results=%d\n",
		each(end.wall.Sub(start.wall).Nanoseconds()), each(end.cpuNs-start.cpuNs),
		each(end.sleeps-start.sleeps), handled.jobs, handled.numbers, handled.results)
}

func throughput[T any](k kind[T], r row) tally {
	p := newPool(k, r)
	if r.producers == 1 {
		start := usageNow()
		k.send(p.jobs, 0, r.count)
		handled := p.finish()
		printUse(start, r.count, handled)
		return handled
	}
	released := make(chan struct{})
	var producers sync.WaitGroup
	share := func(i int) uint64 { return r.count * uint64(i) / uint64(r.producers) }
	for i := 0; i < r.producers; i++ {
		producers.Add(1)
		go func(first, end uint64) {
			defer producers.Done()
			<-released
			k.send(p.jobs, first, end)
		}(share(i), share(i+1))
	}
	start := usageNow()
	close(released)
	producers.Wait()
	handled := p.finish()
	printUse(start, r.count, handled)
	return handled
}

func pingPong[T any](k kind[T], r row) tally {
	p := newPool(k, r)
	start := usageNow()
	for i := uint64(0); i < r.count; i++ {
		k.send(p.jobs, i, i+1)
		<-p.answers
	}
	handled := p.finish()
	printUse(start, r.count, handled)
	return handled
}

func lives[T any](k kind[T], r row) (handled tally) {
	start := usageNow()
	for i := uint64(0); i < r.count; i++ {
		p := newPool(k, r)
		k.send(p.jobs, 0, jobsInALife)
		handled.add(p.finish())
	}
	printUse(start, r.count, handled)
	return handled
}

func measure[T any](k kind[T], r row) tally {
	switch r.shape {
	case "ping-pong":
		return pingPong(k, r)
	case "lifecycle":
		return lives(k, r)
	default:
		return throughput(k, r)
	}
}

func fail(what string) {
	fmt.Fprintln(os.Stderr, what+". See benchmarks/program.h")
	os.Exit(2)
}

func number(text string, least uint64) uint64 {
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil || n < least {
		fail("not a number: '" + text + "'")
	}
	return n
}

func main() {
	args := os.Args[1:]
	if len(args) == 1 && args[0] == "calibrate" {
		fmt.Printf("%.2f\n", stepsPerUs())
		return
	}
	if len(args) != 7 {
		fail("takes seven arguments")
	}
	if args[0] != "channel" {
		fail("not a contestant of this program: '" + args[0] + "'")
	}
	r := row{
		shape:     args[1],
		workers:   int(number(args[3], 1)),
		producers: int(number(args[4], 1)),
		steps:     number(args[5], 0),
		count:     number(args[6], 1),
	}

	if !slices.Contains([]string{"throughput", "ping-pong", "lifecycle"}, r.shape) {
		fail("not a shape: '" + r.shape + "'")
	}

	var handled tally
	switch args[2] {
	case "int":
		handled = measure(ints, r)
	case "struct":
		handled = measure(blocks, r)
	case "full", "reused": // what a worker reads must not change, so Go cannot reuse a payload
		handled = measure(fullJobs, r)
	case "bare":
		handled = measure(bareJobs, r)
	default:
		fail("not a job: '" + args[2] + "'")
	}

	expected := tally{jobs: r.count, numbers: r.count * (r.count - 1) / 2}
	if r.shape == "lifecycle" {
		expected = tally{jobs: r.count * jobsInALife,
			numbers: r.count * (jobsInALife * (jobsInALife - 1) / 2)}
	}
	if handled.jobs != expected.jobs || handled.numbers != expected.numbers {
		fmt.Fprintln(os.Stderr, "jobs were lost, or handled twice")
		os.Exit(1)
	}
}
