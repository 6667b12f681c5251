# The program alone, as a user that owns nothing but the files of recordings. Needs no other place
# to write but /tmp.

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --package watershed --profile dist --all-features --locked \
    && install -D target/dist/watershed /out/watershed \
    && install -d -m 0700 /out/files

FROM debian:bookworm-slim
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/watershed /usr/local/bin/watershed
COPY --from=build --chown=10001:10001 /out/files /srv/watershed/files
USER 10001:10001
# Where a watershed.toml is looked for.
WORKDIR /srv/watershed
ENTRYPOINT ["watershed"]
CMD ["--help"]
