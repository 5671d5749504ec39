// Channels: bounded, with a direction for each end, closed once, drained by range.
package main

import "fmt"

func produce(out chan<- int, n int) { // can send and close, not receive
	for i := 1; i <= n; i++ {
		out <- i
	}
	close(out)
}

func sum(in <-chan int) int { // can receive, not send
	total := 0
	for i := range in {
		total += i
	}
	return total
}

func sendStatus(out chan<- int, i int) (status string) {
	defer func() {
		if recover() != nil { // send on closed channel
			status = "closed"
		}
	}()
	out <- i
	return "sent"
}

func main() {
	numbers := make(chan int, 2) // two wait; the third send blocks until there is room
	go produce(numbers, 10)
	fmt.Println("sum:", sum(numbers))
	_, ok := <-numbers
	fmt.Println("a value after the end:", ok)

	letters := make(chan string, 2)
	letters <- "a"
	letters <- "b"
	close(letters)
	for letter := range letters {
		fmt.Println("received after close:", letter)
	}

	closing := make(chan int, 2)
	fmt.Println("before close:", sendStatus(closing, 1))
	close(closing)
	fmt.Println("after close:", sendStatus(closing, 2))

	answer := make(chan int) // unbuffered: a hand-over
	go func() { answer <- 6 * 7 }()
	fmt.Println("answer:", <-answer)
}
