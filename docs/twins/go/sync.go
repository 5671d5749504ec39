// sync.Once and sync.Mutex: something done once, and a count that two goroutines share.
package main

import (
	"fmt"
	"sync"
)

type Counter struct {
	mutex sync.Mutex
	count int // guarded by mutex
}

func (c *Counter) Add() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.count++
}

func (c *Counter) Count() int {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.count
}

func main() {
	var announce sync.Once
	var counter Counter
	var wg sync.WaitGroup
	for range 2 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			announce.Do(func() { fmt.Println("the first one says this, once") })
			for range 1000 {
				counter.Add()
			}
		}()
	}
	wg.Wait()
	fmt.Println("counted:", counter.Count())
}
