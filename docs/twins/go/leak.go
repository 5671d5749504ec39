// A timeout that leaves no goroutine behind: the unused answer goes into a buffer of one.
package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

type Service struct {
	answers sync.WaitGroup
	working atomic.Int32
	slow    chan struct{} // closed when the service may answer
}

func (s *Service) ask(limit time.Duration) string {
	answer := make(chan string, 1) // without the 1, the send below would block forever
	s.answers.Add(1)
	s.working.Add(1)
	go func() {
		defer s.answers.Done()
		defer s.working.Add(-1)
		<-s.slow
		answer <- "42"
	}()
	select {
	case a := <-answer:
		return a
	case <-time.After(limit):
		return "timeout"
	}
}

func main() {
	service := Service{slow: make(chan struct{})}
	fmt.Println("answer within 10 ms:", service.ask(10*time.Millisecond))
	fmt.Println("still working:", service.working.Load())
	close(service.slow)
	service.answers.Wait()
	fmt.Println("left behind:", service.working.Load())
}
