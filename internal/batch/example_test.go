package batch_test

import (
	"context"
	"fmt"
	"strings"

	"sheetlift/internal/batch/batchtest"
	"sheetlift/internal/batch/draft"
	"sheetlift/internal/batch/usecases"
)

// A batch is a draft until it is started; then its order is fixed and each image is a unit of work.
func Example() {
	ctx := context.Background()
	world := batchtest.NewWorld()
	service := usecases.New(usecases.Ports{
		Repository: world, Queue: world, Pictures: world, Intake: batchtest.Intake{}, Readers: batchtest.Readers{"gemini"},
	}, usecases.Limits{MaxImages: 100})
	b, err := service.Draft.Create(ctx, draft.NewBatch{Name: "November"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, name := range []string{"shelf 1.jpg", "shelf 2.jpg"} {
		_, err := service.Draft.AddImages(ctx, b.ID, draft.Upload{
			ID: fmt.Sprintf("upload-%d", i), Filename: name, Position: i + 1, Body: strings.NewReader("picture of " + name),
		})
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	started, err := service.Run.Start(ctx, b.ID)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(started.Name, started.Status, started.Order, world.Queued(b.ID))
	images, err := service.Batches.Images(ctx, b.ID)
	for _, m := range images {
		fmt.Println(m.N, m.Name, m.Status)
	}
	fmt.Println(err)
	// Output:
	// November processing [1 2] 2
	// 1 shelf 1 pending
	// 2 shelf 2 pending
	// <nil>
}
