// Context: cancel, timeout, deadline, and the reason. No WithValue: see docs/go_to_cpp.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

func state(ctx context.Context) string {
	switch err := ctx.Err(); {
	case err == nil:
		return "goes on"
	case errors.Is(err, context.DeadlineExceeded):
		return "deadline exceeded"
	default:
		return "cancelled"
	}
}

func sleepFor(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

func main() {
	fmt.Println("background:", state(context.Background()))

	parent, cancelParent := context.WithCancel(context.Background())
	child, cancelChild := context.WithCancel(parent)
	sibling, cancelSibling := context.WithCancel(parent)
	defer cancelSibling()
	cancelChild()
	fmt.Println("child cancelled, parent:", state(parent), "child:", state(child))

	go cancelParent()
	fmt.Println("slept for an hour:", sleepFor(sibling, time.Hour))
	fmt.Println("parent cancelled, the other child:", state(sibling))

	late, cancelLate := context.WithTimeout(context.Background(), 0)
	defer cancelLate()
	fmt.Println("timeout of 0:", state(late))

	now := time.Now()
	hour, cancelHour := context.WithDeadline(context.Background(), now.Add(time.Hour))
	defer cancelHour()
	day, cancelDay := context.WithDeadline(hour, now.Add(24*time.Hour))
	defer cancelDay()
	deadline, _ := day.Deadline()
	fmt.Println("child of an hour asks for a day, gets the hour:", deadline.Equal(now.Add(time.Hour)))
}
