// WaitGroup and defer: wait for goroutines, and clean up however a function is left.
package main

import (
	"fmt"
	"sync"
	"time"
)

func work(id int, results []int, wg *sync.WaitGroup) {
	defer wg.Done()
	if id == 2 {
		return // wg.Done() is called here, too
	}
	results[id-1] = id * 10
}

func waitFor(wg *sync.WaitGroup, limit time.Duration) bool {
	done := make(chan struct{})
	go func() {
		wg.Wait()
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-time.After(limit):
		return false // and the helper stays until the group is empty
	}
}

func leave() {
	defer fmt.Println("opened first, closed last")
	defer fmt.Println("opened last, closed first")
}

func main() {
	var wg sync.WaitGroup
	results := make([]int, 3)
	for id := 1; id <= 3; id++ {
		wg.Add(1) // before go: inside it, Wait could come first and find no member
		go work(id, results, &wg)
	}
	wg.Wait()
	fmt.Println("results:", results[0], results[1], results[2])

	gate := make(chan struct{})
	wg.Add(1)
	go func() {
		defer wg.Done()
		<-gate
	}()
	fmt.Println("left within 10 ms:", waitFor(&wg, 10*time.Millisecond))
	close(gate)
	fmt.Println("left within 5 s:", waitFor(&wg, 5*time.Second))
	leave()
}
