# syntax=docker/dockerfile:1
# The gateway as an image, for those who prefer one to the mounted bundle (the `image` input).
#   docker build --build-arg BASE=mcr.microsoft.com/azurelinux/base/nodejs:24@sha256:... -t foundry-gateway .

# Both stages run on it. Pin it by digest; the tag alone is for trying out.
ARG BASE=mcr.microsoft.com/azurelinux/base/nodejs:24

FROM ${BASE} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
# Without scripts: nothing that is installed runs code of its own here, except esbuild's binary.
RUN npm ci --ignore-scripts && npm rebuild esbuild
COPY gateway ./gateway
COPY build ./build
COPY infra/bundle-limit.ts ./infra/
RUN node build/bundle.ts

FROM ${BASE}
COPY --from=build --chmod=0444 /src/dist/gateway.cjs /app/gateway.cjs
# Nobody: no name in the image is needed, and Container Apps has no user to map.
USER 65532:65532
ENV NODE_ENV=production
# The binds' ports, readiness.
EXPOSE 3000 15021
# The flags of infra/node-flags.ts.
ENTRYPOINT ["node", "--max-semi-space-size=16", "--expose-gc", "/app/gateway.cjs"]
CMD ["-f", "/etc/foundry-gateway/config.yaml"]
