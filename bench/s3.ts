export { type S3Gateway, startS3Gateway } from '../test/setup/s3-gateway.ts';
