# syntax=docker/dockerfile:1
FROM golang:1.26.9-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -tags nodynamic -trimpath -ldflags='-s -w' -o /sheetlift ./cmd/sheetlift \
 && CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /sheetlift-reader ./cmd/sheetlift-reader

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates tesseract-ocr tesseract-ocr-eng tesseract-ocr-osd \
    libheif-examples poppler-utils libstdc++6 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --no-create-home sheetlift \
 && install -d -o sheetlift -g sheetlift -m 0700 /data
COPY --from=build /sheetlift /sheetlift-reader /usr/local/bin/
USER sheetlift
ENV SHEETLIFT_ADDR=0.0.0.0:8080 SHEETLIFT_DATA=/data TMPDIR=/data
VOLUME /data
EXPOSE 8080
# Reachable from other machines, so SHEETLIFT_PASSWORD must be given.
ENTRYPOINT ["sheetlift"]
CMD ["serve"]
