// Errors: returned when they are expected, and one boundary per job for a panic.
package main

import (
	"errors"
	"fmt"
)

func process(id string) error {
	switch id {
	case "b":
		return errors.New("no payload")
	case "c":
		panic("rule 7 is broken")
	}
	return nil
}

// run turns a panic of one job into its error, so that the worker can take the next one.
func run(id string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("threw: %v", r)
		}
	}()
	if err := process(id); err != nil {
		return fmt.Errorf("failed: %w", err)
	}
	return nil
}

func main() {
	for _, id := range []string{"a", "b", "c", "d"} {
		if err := run(id); err != nil {
			fmt.Println(id, err)
			continue
		}
		fmt.Println(id, "succeeded")
	}
}
