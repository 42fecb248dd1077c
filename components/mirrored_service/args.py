"""The component's arguments: what a user writes.

Keys are spelt as in stack config and in the Kubernetes API, so that one spelling serves stack config, Python,
YAML and TypeScript. Pulumi reads these classes and docstrings to make the schema for other languages; for that,
this module must not use `from __future__ import annotations`.

Which subsets exist, their weights and percentages decide which objects exist: they are plain values. Only what
is marked `pulumi.Input` may be the output of another resource.
"""

from typing import Any, NotRequired, TypedDict

import pulumi


class ResourcesArgs(TypedDict):
    """CPU and memory of one pod, as Kubernetes quantities."""

    requests: NotRequired[dict[str, str]]
    """What the scheduler sets aside: cpu, memory (in whole bytes), ephemeral-storage, or a device such as
    "example.org/gpu". Default {cpu: 100m, memory: 128Mi}, each left out where only its limit is given."""

    limits: NotRequired[dict[str, str]]
    """What the pod may not exceed; not below the requests, and for a device the same. Default: no limits."""


class RolloutArgs(TypedDict):
    """How new pods of a version take over from its old ones."""

    maxSurge: NotRequired[int]
    """Pods above `replicas` during an update. Default 1. Not 0 together with maxUnavailable 0."""

    maxUnavailable: NotRequired[int]
    """Pods below `replicas` during an update. Default 0: never fewer than wanted."""

    deadlineSeconds: NotRequired[int]
    """Seconds until all pods of the version must be ready, 5 or more; then `pulumi up` reports it as failed.
    Give a version with many pods more, as they are exchanged one after the other. Default 300."""

    minReadySeconds: NotRequired[int]
    """Seconds that a new pod must have been ready before an old one may go, and `pulumi up` goes on; less than
    deadlineSeconds. A pod that is ready and at once unready again then does not replace one that serves.
    Default 0, as in a Deployment, whose field it is."""


class StopArgs(TypedDict):
    """How a pod ends without losing a request."""

    delaySeconds: NotRequired[int]
    """Seconds a pod goes on serving after it was told to end (a native preStop sleep; needs Kubernetes 1.30 or
    later). Proxies need that long to learn that it is gone, and istiod may tell them 10 seconds late: a server
    that exits earlier loses the requests under way to it. Default 15; 0 for no delay."""

    graceSeconds: NotRequired[int]
    """Seconds after which a pod that has not ended is killed, delaySeconds included; more than delaySeconds.
    Default 45."""


class OutlierDetectionArgs(TypedDict):
    """When a shadow's pod gets no copies for a while."""

    consecutiveErrors: NotRequired[int]
    """Errors in a row (status 5xx, or no connection) after which a pod is left out, at least 1. Default 5."""

    intervalSeconds: NotRequired[int]
    """Seconds between two looks at the pods, at least 1. Default 10."""

    ejectionSeconds: NotRequired[int]
    """Seconds that a pod is left out the first time, at least 1; each further time is longer. Default 30."""

    maxEjectionPercent: NotRequired[int]
    """Share of the pods that may be left out at once, 1 to 100. With 100 a shadow that fails altogether gets no
    copies. Default 100."""


class MirrorLimitsArgs(TypedDict):
    """How much each proxy that copies requests lets this version's copies take up; it drops copies beyond that.
    Live requests have none of these limits."""

    connections: NotRequired[int]
    """Connections to the version's pods for copies, 1 to 1000000. Default: 64 more than requests, so that a
    copy too many is dropped at once and does not wait for a connection."""

    pendingRequests: NotRequired[int]
    """Copies that wait for a connection, 1 to 1000000. Default: as many as requests."""

    requests: NotRequired[int]
    """Copies that wait for an answer, 1 to 1000000. Default 64. Give a slow shadow more: it needs as
    many as one proxy copies in the time that it takes to answer."""

    requestsPerConnection: NotRequired[int]
    """Copies after which a connection is closed, 1 to 1000000. Default: any number."""

    http2: NotRequired[bool]
    """Do copies of HTTP/1.1 requests share HTTP/2 connections between proxies? Then a copy that waits needs no
    connection, and no TLS handshake, of its own. Whoever receives them must understand HTTP/2: every sidecar
    does, and gives the app behind it HTTP/1.1. Default: true for ports for http and pods that the component
    makes in a namespace that it labels istio-injection: enabled; otherwise what the mesh does, by default
    HTTP/1.1. Not false without a port for http. WebSockets are copied with false only. Source:
    h2UpgradePolicy in
    https://istio.io/latest/docs/reference/config/networking/destination-rule/"""

    outlierDetection: NotRequired[OutlierDetectionArgs]
    """When a pod gets no copies for a while; {} for the defaults. Default: never, as the errors of a shadow are
    what one wants to see, and cost live requests nothing."""


class WorkloadArgs(TypedDict):
    """Pods, by their labels."""

    labels: dict[str, str]
    """Labels that the pods have, at least one."""

    namespace: NotRequired[str]
    """Their namespace. Default: the service's."""


class NetworkPolicyArgs(TypedDict):
    """What the version's pods may reach in the network besides DNS (port 53) and istiod (port 15012)."""

    pods: NotRequired[list[WorkloadArgs]]
    """Pods of the cluster. Default: none."""

    cidrs: NotRequired[list[str]]
    """Address ranges in their plain spelling, such as "10.20.0.0/16". Default: none."""


class ShadowIsolationArgs(TypedDict):
    """What a version may reach while it is not live. Declare it for as long as the version exists: whenever it is
    live, the same objects let everything through."""

    mayReach: list[str]
    """Hosts that the version's sidecar lets it reach, as full names ("db.shop.svc.cluster.local") or domains
    ("*.shop.svc.cluster.local"), no addresses; [] for none."""

    protects: NotRequired[dict[str, WorkloadArgs]]
    """Workloads, by a name of your choice (a DNS label), whose own sidecars refuse this version. It is
    recognised by its ServiceAccount, which no live version may have. Default: none."""

    networkPolicy: NotRequired[NetworkPolicyArgs]
    """A NetworkPolicy too, for clusters that enforce them; {} for one that allows DNS and istiod only. Default:
    none."""


class SubsetArgs(TypedDict):
    """One version of the service. Live when it has a weight, shadow when it has a mirrorPercent, idle (deployed,
    without requests) when it has neither; never live and shadow at once."""

    image: NotRequired[pulumi.Input[str]]
    """Container image as container runtimes spell it: "registry.example:5000/team/shop:1", or with "@sha256:...".
    Needed, unless podLabels are given."""

    podLabels: NotRequired[dict[str, str]]
    """Labels of pods that others run in the namespace (another team, Helm, Argo CD): the component makes no pods
    for this version and leaves those alone. At least one label is the same for all versions (pods that the
    component makes have app, the service's name, and version), and one differs from each other version's. Next to
    it only weight, mirrorPercent, containerPort, containerPorts and mirrorLimits."""

    weight: NotRequired[int]
    """Share of the live requests in percent, 0 to 100. The weights of all subsets sum to 100. Default 0."""

    mirrorPercent: NotRequired[float]
    """Copies of live requests, in percent of the live requests: 0 (none), or 0.0001 to 1000. Above 100 each
    request is copied more than once, to test under more load than real. Their answers are thrown away.
    Default 0. Istio copies nothing below 0.0001 without a word."""

    replicas: NotRequired[int]
    """Number of pods, 1 to 10000. Default 1. A live version wants 2 or more in production. Not next to
    autoscaling or scaledByOthers."""

    autoscaling: NotRequired[dict[str, Any]]
    """An autoscaler counts the pods: Kubernetes' HorizontalPodAutoscalerSpec (autoscaling/v2) without its
    scaleTargetRef. A new version starts with minReplicas. Default: none."""

    scaledByOthers: NotRequired[bool]
    """Somebody else counts the pods (KEDA, an autoscaler of your own, kubectl). A new version starts with one.
    Default false."""

    containerPort: NotRequired[int]
    """Port the container listens on for the first of the service's ports, 1 to 65535, but none of Istio's proxy.
    Default: as the port says."""

    containerPorts: NotRequired[dict[str, int]]
    """The same for the other ports, by their names. Default: as the ports say."""

    env: NotRequired[dict[str, pulumi.Input[str]]]
    """Environment variables of the container: names of letters, digits, "_", "-" and ".", values without NUL,
    130 kB at most. Default: none. Give a shadow its own database here. A value may use those of podTemplate, as
    "$(NAME)"."""

    podTemplate: NotRequired[dict[str, Any]]
    """What else is in the pods, as Kubernetes' PodTemplateSpec, merged over what the component makes as
    Kubernetes merges: mappings key by key, lists by the names of their members, other lists as a whole; null
    takes away. The service's container is called as the service. A single value may be the output of another
    resource. Default: nothing else."""

    podSecurity: NotRequired[str]
    """How far the container is confined. "baseline": no more privileges than it starts with, and the runtime's
    seccomp profile. "restricted": also no capabilities and not root, which is Kubernetes' restricted profile.
    "image": as the image is. podTemplate is merged over it. Default baseline."""

    resources: NotRequired[ResourcesArgs]
    """CPU and memory of one pod."""

    rollout: NotRequired[RolloutArgs]
    """How new pods take over from old ones."""

    stop: NotRequired[StopArgs]
    """How a pod ends."""

    mirrorLimits: NotRequired[MirrorLimitsArgs]
    """How much the copies for this version may take up in each proxy that makes them."""

    shadowIsolation: NotRequired[ShadowIsolationArgs]
    """What the version may reach while it is not live. Default: whatever the mesh lets it."""


class MirrorMatchArgs(TypedDict):
    """Which requests are copied: those that match in everything that is given."""

    methods: NotRequired[list[str]]
    """HTTP methods, or ["*"] for all. Default [GET, HEAD, OPTIONS]: a copied request that writes, writes again.
    With POST among them gRPC calls are copied too, as every call is one, unless grpcCalls says otherwise."""

    grpcCalls: NotRequired[bool]
    """Are calls to gRPC ports copied, whatever the methods? They may write, each of them. Default: with the
    methods. A service of gRPC ports alone whose shadow gets copies must say so, by either."""

    paths: NotRequired[list[str]]
    """Paths without the query: "/cart" for that path, "/cart/*" for all that start with "/cart/" (so not
    "/cart"). At most 100. Default: every path."""

    headers: NotRequired[dict[str, str]]
    """Headers that a request must have, each with its exact value or "*" for any: {x-debug: "1"} copies only
    what is marked. Default: none needed."""

    maxBodyBytes: NotRequired[int]
    """Size of the largest body that is copied, 0 to 1000000000. A larger one waits for the shadow to read it, the
    live request included. With this, requests are copied whose Content-Length says so, and GET, HEAD, OPTIONS,
    DELETE and TRACE without one: these rarely have a body, and where they stream one it is copied whatever its
    size. It leaves out gRPC calls, which have no Content-Length. Default: any size."""


class MirrorHeadersArgs(TypedDict):
    """How the headers of copies differ from those of the requests: changed in the sidecars of the shadows, before
    the app gets them. No header twice, in whatever capitals, and none that HTTP itself or the shadow report
    needs: connection, content-length, host, keep-alive, te, transfer-encoding, upgrade, x-request-id."""

    set: NotRequired[dict[str, str]]
    """Headers that every copy has, with their values, such as {x-copy: "true"}. Default: none."""

    remove: NotRequired[list[str]]
    """Headers that no copy has, such as [authorization, cookie]. Default: none."""


class AnswerDigestsArgs(TypedDict):
    """Digests of answers in the access log, by which the shadow report tells what the shadow answers otherwise:
    of the whole answer, and of every field of a JSON body. No value of an answer is written, but names of fields
    are. The sidecars make them, by Lua in a TrafficExtension for each version, which Istio has from 1.30 on; they
    are logged by a log provider with the labels answer_digest and answer_fields (docs/answers.md)."""

    key: pulumi.Input[str]
    """What nobody may know who reads the logs: with it values can be guessed from their digests. 32 hexadecimal
    digits, such as `openssl rand -hex 16` prints; a secret of the config."""

    oneOf: NotRequired[int]
    """Of how many requests one is looked at, 1 to 10000; live version and shadows choose the same ones. Default
    10."""

    maxJsonBytes: NotRequired[int]
    """The largest JSON body of which fields are told, 1024 to 262144. Of larger ones, as of all others up to 1
    MiB, the digest of the whole is. Default 65536."""

    hideNames: NotRequired[bool]
    """Write a digest of each field's name in place of the name. Default false."""


class MirrorToTlsArgs(TypedDict):
    """How proxies secure the connections on which copies leave."""

    mode: NotRequired[str]
    """"simple": TLS as to any server, whose certificate must be for the host. "mesh": the mesh's own mutual TLS,
    for a target with sidecars in the same mesh. Default simple."""

    caCertificates: NotRequired[str]
    """File in the proxies with the authorities to trust; for mode simple only. Default: those of the proxies'
    system."""


class MirrorToArgs(TypedDict):
    """A service of another environment that gets copies as well. Which requests are copied, mirrorMatch says."""

    host: pulumi.Input[str]
    """Where it is, as the proxies reach it: "shop.staging.svc.cluster.local", a host name outside of the cluster,
    or an IPv4 address. Another stack tells its own in the output mirrorTarget."""

    port: pulumi.Input[int]
    """Its port, 1 to 65535."""

    percent: float
    """Copies in percent of the live requests, as a version's mirrorPercent: 0 (none), or 0.0001 to 1000."""

    tls: NotRequired[MirrorToTlsArgs]
    """TLS to the target; {} for the defaults. Default: none."""

    mirrorLimits: NotRequired[MirrorLimitsArgs]
    """How much its copies may take up in each proxy that makes them."""


class GatewayTlsArgs(TypedDict):
    """HTTPS at the gateway, TLS 1.2 or later. Requests go on from there as the port's appProtocol says."""

    credentialName: pulumi.Input[str]
    """Secret with certificate and key (type kubernetes.io/tls), in the namespace of the ingress gateway's pods:
    with api gateway that is the service's. Until it is there, the gateway answers no HTTPS."""

    port: NotRequired[int]
    """Port the Gateway opens for HTTPS, 1 to 65535, but none of Istio's proxy, and not the port for HTTP.
    Default 443."""

    redirect: NotRequired[bool]
    """Answer requests on the port for HTTP with 301 to HTTPS. With false they are served as well, for as long as
    callers move. Only with ports 80 and 443, as a redirect names no port. Default true."""


class GatewayArgs(TypedDict):
    """Where requests from outside the cluster enter. Nothing of it without hosts, but delegate."""

    existing: NotRequired[str]
    """Use this Gateway, as "namespace/name" (both DNS labels), and create none: one of Istio's, or with api
    gateway one of Gateway API. Excludes selector, port and tls."""

    delegate: NotRequired[bool]
    """The hosts are another team's, whose root VirtualService delegates to ours; it says hosts and gateway, so
    hosts and everything else here must be left out. No Gateway is made. Default false."""

    ownsHosts: NotRequired[bool]
    """No other VirtualService has routes for these hosts at this gateway: a promise, which ends a warning, as
    copying some requests of every path could take these from routes of others. Default false."""

    selector: NotRequired[dict[str, str]]
    """Labels of the ingress gateway's pods, at least one. Default {istio: ingressgateway}. Not with api gateway,
    where Istio makes the pods of a Gateway."""

    port: NotRequired[int]
    """Port the Gateway opens for HTTP, 1 to 65535, but none of Istio's proxy. Default 80."""

    tls: NotRequired[GatewayTlsArgs]
    """HTTPS as well. Default: HTTP only."""

    annotations: NotRequired[dict[str, str]]
    """Annotations of the Gateway that is made with api gateway, by which Istio may be told how to make its
    Service: {networking.istio.io/service-type: ClusterIP} for one without a load balancer. Only with api gateway.
    Default: none."""


class AccessLogArgs(TypedDict):
    """Which access log the sidecars of the versions write, so that versions can be compared."""

    providers: NotRequired[list[str]]
    """Names of log providers in the mesh's config (`extensionProviders`), each once, at least one. They take the
    place of those that the mesh or the namespace gives to requests that come in: name these too to keep them.
    Istio passes over a name that the mesh's config does not have. Default: none, and nothing is changed."""


class MirroredServiceArgs(TypedDict):
    """A service whose live requests can be copied to shadow versions."""

    name: str
    """Name of the service: what callers use as host name, and the first part of every object's name. A DNS
    label that starts with a letter, at most 54 characters; not istio-proxy, istio-init or istio-validation,
    as containers of its pods are called."""

    namespace: str
    """Kubernetes namespace that holds every object, a DNS label."""

    createNamespace: NotRequired[bool]
    """Create the namespace, with sidecar injection on; once made it stays, whatever is set later. Not one
    that every cluster has (default, kube-system and the like). With false it must exist, and injection is its
    owner's business. Default true."""

    namespaceLabels: NotRequired[dict[str, str]]
    """Labels of the namespace that is created, such as a Pod Security profile. With istio.io/rev it has no
    istio-injection. Default {istio-injection: enabled}."""

    api: NotRequired[str]
    """Whose words say the routes. "istio": VirtualServices and Istio's Gateway. "gateway": HTTPRoutes and the
    Gateway of Gateway API, on the same mesh; what these cannot say is refused, with the reason. Needs Gateway
    API 1.5 or later, standard channel, in the cluster. How a running service goes from one to the other without
    losing a request: docs/gateway-api.md. Default istio."""

    clusterDomain: NotRequired[str]
    """What full names of Services end with. Default cluster.local."""

    ports: NotRequired[list[dict[str, Any]]]
    """The ports callers use: Kubernetes' ServicePorts (name, port, appProtocol, protocol, and as targetPort the
    number that pods listen on where their version does not say it). Requests to those whose appProtocol, or name
    where it does not say, is http, http2 or grpc are routed and copied; all others lead to the live version.
    Requests from outside are for the first that is routed. None of Istio's proxy (15000, 15001, 15002, 15004,
    15006, 15008, 15020, 15021, 15053, 15090). Default [{name: http, port: 80}]."""

    hosts: NotRequired[list[str]]
    """Host names under which requests enter through the gateway; "*" for any, "*.example.org" for a domain. A
    name needs a dot; an IPv4 address is one too. None may overlap with another, as Istio refuses both in one
    VirtualService. Default []: callers inside the mesh only; no Gateway and no route for one is made."""

    gateway: NotRequired[GatewayArgs]
    """Where requests from outside enter. Default: with hosts, a Gateway of its own on the ingress gateway's port
    80."""

    routes: NotRequired[list[dict[str, Any]]]
    """How requests are told apart, in order, and what holds for each kind: Istio's HTTPRoutes
    (https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRoute) without destinations and
    mirrors, which follow from the versions. Of a route's own: mirror, with false to copy none of its requests.
    The same at the gateway and for callers inside the mesh. Default [{}]: one for every request."""

    labels: NotRequired[dict[str, str]]
    """Labels of every object besides the component's own, such as app.kubernetes.io/part-of; pods do not get
    them. Default: none."""

    annotations: NotRequired[dict[str, str]]
    """Annotations of every object, such as who owns it, 100 kB at most; pods do not get them. Default: none."""

    subsets: dict[str, SubsetArgs]
    """The versions, by name, such as v1: a DNS label of at most 56 characters that does not end in "-copies". At
    least one is live."""

    disruptionBudget: NotRequired[dict[str, Any]]
    """How many pods of a live version may be missing while nodes are emptied: Kubernetes' PodDisruptionBudgetSpec
    without its selector, for each live version whose pods the component makes. Default: none."""

    trafficPolicy: NotRequired[dict[str, Any]]
    """How live requests reach the pods of a version, whichever is live: Istio's TrafficPolicy (loadBalancer,
    connectionPool, outlierDetection, tls, retryBudget, portLevelSettings; no tunnel, proxyProtocol or balancing
    PASSTHROUGH). Of it only tls holds for copies, which have mirrorLimits. Default {}: what the mesh says.
    Source: https://istio.io/latest/docs/reference/config/networking/destination-rule/#TrafficPolicy"""

    moreServices: NotRequired[dict[str, dict[str, Any]]]
    """Further Services that lead to the live version, by name: Kubernetes' ServiceSpecs, such as
    {shop-external: {type: LoadBalancer}}, without selector, which always is the live version's. Of a Service's
    own besides: annotations. Its ports are the service's unless given; a targetPort that is the name of one of
    the service's ports leads there. Default {}: none."""

    mirrorMatch: NotRequired[MirrorMatchArgs]
    """Which requests are copied. Default: those that only read."""

    mirrorHeaders: NotRequired[MirrorHeadersArgs]
    """How the headers of copies differ from those of the requests. Pods without a sidecar get copies as they are,
    and so does mirrorTo. Default: in nothing."""

    mirrorTo: NotRequired[MirrorToArgs]
    """A service of another environment that gets copies as well. Default: none."""

    accessLog: NotRequired[AccessLogArgs]
    """Which access log the sidecars of the versions write, by a Telemetry for each version. Default: the mesh
    decides."""

    answerDigests: NotRequired[AnswerDigestsArgs]
    """Digests of answers in the access log, for the shadow report to compare. Default: none."""

    settleSeconds: NotRequired[float]
    """Seconds given to the mesh's proxies to learn of a version before it gets requests, and to forget one
    before it goes. 0 to 300, default 2. istiod waits up to 10 s before it tells proxies when changes come in
    fast: give a busy mesh more."""

    expectedRequestsPerSecond: NotRequired[float]
    """Live requests that callers send in a second, 0 to 1000000. Changes nothing that is deployed: with it, a
    mirrorPercent so small that less than one request an hour is copied is warned of. Default 0: not stated."""

    keepOnDestroy: NotRequired[bool]
    """Keep what answers requests when the stack is destroyed: the namespace, the Deployments of live versions
    and the callers' Service. Everything that mirrors and routes goes. Set it just before leaving and run
    `pulumi up`, then `pulumi destroy --run-program`: a live version removed by an `up` meanwhile stays in the
    cluster as well. Default false."""


class MirrorTarget(TypedDict):
    """What another stack needs to mirror to this service."""

    host: str
    """Fully qualified host name of the live version."""

    port: int
    """Its first port that is routed."""

    protocol: str
    """What that one speaks: http, http2 or grpc."""
