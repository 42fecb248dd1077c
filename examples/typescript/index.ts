// `pulumi package add ../../components` makes the module that this imports.
import { MirroredService } from "@pulumi/mirrored-service";

const shop = new MirroredService("shop", {
    name: "shop",
    namespace: "shop",
    hosts: ["shop.example.org"],
    gateway: { ownsHosts: true, tls: { credentialName: "shop-cert" } },
    ports: [{ name: "http", port: 80, targetPort: 8080 }],
    trafficPolicy: { loadBalancer: { consistentHash: { httpCookie: { name: "session", ttl: "0s" } } } },
    subsets: {
        v1: { image: "registry.example.org/shop:1.8.0", weight: 100, replicas: 3 },
        v2: {
            image: "registry.example.org/shop:1.9.0",
            mirrorPercent: 10,
            env: { DATABASE: "shop-db-copy.example.org" },
        },
    },
});

export const urls = shop.urls;
export const shadowVersions = shop.shadowVersions;
