// errgroup: the first error cancels the others, and Wait returns it.
package main

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
)

func fetch(ctx context.Context, id string) error {
	if id == "b" {
		return errors.New("b: connection refused")
	}
	<-ctx.Done() // slow: without a cancel it would take for ever
	return fmt.Errorf("%s: %w", id, ctx.Err())
}

func main() {
	group, ctx := errgroup.WithContext(context.Background())
	cancelled := make(chan string, 3)
	for _, id := range []string{"a", "b", "c"} {
		group.Go(func() error {
			err := fetch(ctx, id)
			if errors.Is(err, context.Canceled) {
				cancelled <- id
			}
			return err
		})
	}
	fmt.Println("first error:", group.Wait())
	fmt.Println("cancelled:", len(cancelled), "of 2")
}
