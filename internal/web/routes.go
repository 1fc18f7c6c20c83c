package web

import (
	"github.com/labstack/echo/v4"

	"sheetlift/internal/web/api"
	"sheetlift/views"
)

// metricsPath is where figures for Prometheus are. Who may read them is who may read the pages.
const metricsPath = "/metrics"

// routes is every address there is.
func (s *Server) routes(e *echo.Echo) {
	e.Use(s.recoverPanics, packed(), s.signedIn)

	e.GET("/", s.startPage)
	e.GET("/events", s.startEvents)
	e.GET("/figures", s.figuresPage)
	e.GET("/keys", s.keysPage)
	e.GET("/keys/events", s.keysEvents)
	e.POST("/keys", s.addKey)
	e.POST("/keys/test", s.testKey)
	e.POST("/keys/enable", s.enableKey)
	e.POST("/keys/disable", s.disableKey)
	e.GET("/login", s.loginPage)
	e.POST("/login", s.login)
	e.POST("/logout", s.logout)
	e.POST("/language", s.chooseLanguage)
	e.POST("/who", s.nameMe)
	e.GET("/health", s.healthPage)
	if s.metrics != nil {
		e.GET(metricsPath, echo.WrapHandler(s.metrics))
	}
	e.GET("/static/:name", s.asset)

	e.POST("/demo", s.openDemo)
	e.POST("/demo/leave", s.leaveDemo)

	e.POST("/templates", s.importTemplate)
	e.GET("/templates/:file", s.exportTemplate)
	e.POST("/templates/:id/rename", s.renameTemplate)

	e.POST("/batches", s.createBatch)
	b := e.Group("/batches/:id")
	b.GET("", s.batchPage)
	b.POST("/names", s.saveNames)
	b.POST("/names/pattern", s.naming(s.namePattern))
	b.POST("/names/replace", s.naming(s.nameReplace))
	b.POST("/names/paste", s.naming(s.namePaste))
	b.POST("/names/undo", s.naming(s.nameUndo))
	b.POST("/order", s.naming(s.sortImages))
	b.POST("/columns", s.saveColumns)
	b.POST("/preview", s.previewImage)
	b.POST("/start", s.startBatch)
	b.POST("/retry", s.retryFailed)
	b.POST("/pause", s.steer(s.pauseBatch))
	b.POST("/resume", s.steer(s.resumeBatch))
	b.POST("/offline", s.steer(s.readOffline))
	b.POST("/cancel", s.steer(s.cancelBatch))
	b.POST("/unschedule", s.unscheduleBatch)
	b.POST("/settings", s.setBatch)
	b.POST("/delete", s.deleteBatch)
	b.POST("/undelete", s.steer(s.undeleteBatch))
	b.GET("/events", s.events)
	b.GET("/head", s.liveHead)
	b.GET("/notes", s.noteEvents)
	b.GET("/workbook.xlsx", s.workbook)

	b.GET("/uploads", s.uploads)
	b.POST("/images", s.addImages)
	b.PUT("/images/:upload", s.uploadImage)
	b.GET("/images/:n", s.imagePage)
	b.GET("/images/:n/thumb", s.thumb)
	b.GET("/images/:n/picture", s.picture)
	b.POST("/images/:n/out", s.naming(s.leaveOut(true)))
	b.POST("/images/:n/in", s.naming(s.leaveOut(false)))
	b.POST("/images/:n/turn", s.naming(s.turnImage))
	b.POST("/images/:n/move", s.naming(s.moveImage))
	b.POST("/images/:n/retry", s.retryImage)
	b.POST("/images/:n/cancel", s.cancelImage)
	b.POST("/images/:n/priority", s.setImage)
	b.POST("/images/:n/edits", s.editImage)
	b.GET("/rows", s.rowsPage)
	b.POST("/rows/replace", s.replaceRows)

	if s.pool != nil {
		e.GET("/api/v1/keys", api.Keys(s.pool, views.Why))
	}
	v1 := e.Group("/api/v1/batches")
	api.NewBatches(s.batches, s.board).Register(v1)
	e.GET("/api/v1/figures", api.Figures(s.batches))
	v1.PUT("/:id/images/:upload", s.uploadImage)
	v1.GET("/:id/workbook.xlsx", s.workbook)
	first := api.New(s.batches, s.board, s.cfg.MaxBytes)
	e.POST("/batch-process-images", first.Process, s.patient)
	e.GET("/batch-status/:id", first.Status)
	e.GET("/batch-results/:id", first.Results)
}
