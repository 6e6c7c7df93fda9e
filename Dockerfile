# Two stages: a static binary, and an image that holds nothing else but CA certificates and time zones.
#
#   docker build -t cluster-provision .
#
# Both base images can be replaced: GO_IMAGE needs Go, a shell and the two data sets, which golang images have. Where no such
# image is to be had, BUILD=prebuilt takes a stage that holds the finished files (scripts/docker-test.sh does so):
#
#   docker build --build-arg BUILD=prebuilt -t cluster-provision .
ARG GO_IMAGE=golang:1.26
ARG PREBUILT_IMAGE=scratch
ARG BUILD=builder

FROM ${GO_IMAGE} AS builder
ARG VERSION=devel
ARG COMMIT=unknown
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION} -X main.commit=${COMMIT}" -o /out/cluster-provision ./cmd/cluster-provision \
 && mkdir -p /out/etc/ssl/certs /out/usr/share /out/tmp \
 && cp /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ \
 && cp -r /usr/share/zoneinfo /out/usr/share/

FROM ${PREBUILT_IMAGE} AS prebuilt

FROM ${BUILD} AS chosen

FROM scratch
COPY --from=chosen /out/ /
# Root inside the container, so that credentials and directories mounted from any user can be read and written.
ENV HOME=/root
ENTRYPOINT ["/cluster-provision"]
