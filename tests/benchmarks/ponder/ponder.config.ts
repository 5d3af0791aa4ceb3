import { createConfig } from "ponder";
import { http, parseAbi } from "viem";

const abi = parseAbi([
  "event Transfer(address indexed from, address indexed to, uint256 indexed tokenId)",
]);

export default createConfig({
  networks: {
    local: {
      chainId: Number(process.env.BENCH_CHAIN_ID),
      transport: http(process.env.BENCH_RPC_URL),
      maxRequestsPerSecond: 2000,
    },
  },
  contracts: {
    Emitter: {
      abi,
      network: "local",
      address: process.env.BENCH_ADDRESS as `0x${string}`,
      startBlock: Number(process.env.BENCH_FIRST),
      endBlock: Number(process.env.BENCH_LAST),
    },
  },
});
