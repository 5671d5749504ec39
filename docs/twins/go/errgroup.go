// errgroup: the first error cancels the others, and Wait returns it.
package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

func fetch(ctx context.Context, id string) error {
	if id == "b" {
		return errors.New("b: connection refused")
	}
	<-ctx.Done() // slow: without a cancel it would take forever
	return fmt.Errorf("%s: %w", id, ctx.Err())
}

func main() {
	group, ctx := errgroup.WithContext(context.Background())
	var cancelled atomic.Int32
	for _, id := range []string{"a", "b", "c"} {
		group.Go(func() error {
			err := fetch(ctx, id)
			if errors.Is(err, context.Canceled) {
				cancelled.Add(1)
			}
			return err
		})
	}
	fmt.Println("first error:", group.Wait())
	fmt.Println("cancelled:", cancelled.Load(), "of 2")
}
