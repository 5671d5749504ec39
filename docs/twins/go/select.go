// select with a timeout, and with a default.
package main

import (
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
	fmt.Println("try to receive:", tryReceive(jobs))
	fmt.Println("try to receive:", tryReceive(jobs))

	answer := make(chan string, 1)
	fmt.Println("answer within 10 ms:", answerWithin(answer, 10*time.Millisecond))
	answer <- "42"
	fmt.Println("answer within 5 s:", answerWithin(answer, 5*time.Second))
}
