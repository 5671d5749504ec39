// select with a timeout, with a context, and with a default.
package main

import (
	"context"
	"fmt"
	"time"
)

func sendFor(jobs chan<- string, job string, limit time.Duration) string {
	select {
	case jobs <- job:
		return "sent"
	case <-time.After(limit):
		return "full"
	}
}

// If both cases are ready, select picks one at random.
func sendUntilDone(ctx context.Context, jobs chan<- string, job string) string {
	select {
	case jobs <- job:
		return "sent"
	case <-ctx.Done():
		return ctx.Err().Error()
	}
}

func trySend(jobs chan<- string, job string) string {
	select {
	case jobs <- job:
		return "sent"
	default:
		return "full"
	}
}

func tryReceive(jobs <-chan string) string {
	select {
	case job := <-jobs:
		return job
	default:
		return "nothing"
	}
}

func answerWithin(answer <-chan string, limit time.Duration) string {
	select {
	case a := <-answer:
		return a
	case <-time.After(limit):
		return "timeout"
	}
}

func main() {
	jobs := make(chan string, 1)
	fmt.Println("send for 5 s:", sendFor(jobs, "a", 5*time.Second))
	fmt.Println("send for 10 ms:", sendFor(jobs, "b", 10*time.Millisecond))
	fmt.Println("try to send:", trySend(jobs, "c"))

	late, cancelLate := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancelLate()
	fmt.Println("send with a deadline:", sendUntilDone(late, jobs, "d"))
	ctx, cancel := context.WithCancel(context.Background())
	go cancel()
	fmt.Println("send until canceled:", sendUntilDone(ctx, jobs, "e"))

	fmt.Println("try to receive:", tryReceive(jobs))
	fmt.Println("try to receive:", tryReceive(jobs))

	answer := make(chan string, 1)
	fmt.Println("answer within 10 ms:", answerWithin(answer, 10*time.Millisecond))
	answer <- "42"
	fmt.Println("answer within 5 s:", answerWithin(answer, 5*time.Second))
}
